"""The libraries of the extra `screening`."""

from importlib.util import find_spec
from typing import Final

from stillwatch.errors import ConfigError

MODULES: Final = ("anyascii", "rapidfuzz")


def require() -> None:
    """Refuse to start where a library is missing.

    Raises:
        ConfigError: One of them is not installed.
    """
    missing = [module for module in MODULES if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"screening needs {' and '.join(missing)}: pip install 'stillwatch[screening]'"
        )
