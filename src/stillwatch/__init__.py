"""Find, name and evidence adversarial-distillation campaigns in the logs of language-model APIs.

`stillwatch.scan` is the main job; everything else is reached through its own module. Names are
resolved on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from stillwatch.version import __version__

if TYPE_CHECKING:
    from stillwatch.detect.results import ScanResult
    from stillwatch.detect.scan import scan

__all__ = ["ScanResult", "__version__", "scan"]

_HOMES: Final = {"scan": "stillwatch.detect.scan", "ScanResult": "stillwatch.detect.results"}


def __getattr__(name: str) -> object:
    """Resolve a public name from its home module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'stillwatch' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names, resolved or not."""
    return sorted(__all__)
