"""`python -m stillwatch`."""

from stillwatch.cli.main import run

if __name__ == "__main__":
    run()
