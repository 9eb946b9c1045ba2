"""Libraries that only some methods need, from the extra `bench`."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from stillwatch.bench.method import Method
from stillwatch.errors import ConfigError

PACKAGES: Final = {
    "sklearn": "scikit-learn",
    "coordination_network_toolkit": "coordination-network-toolkit",
}
"""Packages by the module that is imported."""


def load(module: str) -> ModuleType | Any:
    """Import a module of the extra `bench`.

    Raises:
        ConfigError: It is not installed.
    """
    _require(module, "This")
    return import_module(module)


def require_all(method: Method) -> None:
    """Refuse a method whose libraries are missing, before hours are spent on the others.

    Args:
        method: May have an attribute `needs`: top-level modules that it imports when it runs.

    Raises:
        ConfigError: One of them is not installed.
    """
    for module in getattr(method, "needs", ()):
        _require(module, f"The method {method.name}")


def _require(module: str, who: str) -> None:
    top = module.partition(".")[0]
    if find_spec(top) is None:
        package = PACKAGES.get(top, top)
        raise ConfigError(
            f"{who} needs {package}: pip install 'stillwatch[bench]', or name other methods."
        )
