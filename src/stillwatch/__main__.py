"""`python -m stillwatch`."""

import sys

from stillwatch.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
