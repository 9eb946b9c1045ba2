"""Signatures as files: which kind each holds, by its name, and what is in it.

| file | holds |
|---|---|
| `.yml`, `.yaml`, a folder of them | Sigma rules |
| a folder of signatures, its `signatures.jsonl` | signatures of fingerprints, and their lives |
| `.json` | a STIX bundle: the signatures in it that hold now |
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from stillwatch.errors import InputError

if TYPE_CHECKING:
    from stillwatch.share.signatures.life import Life
    from stillwatch.share.signatures.model import Signature

SIGMA: Final = frozenset({".yml", ".yaml"})
"""Suffixes of Sigma rules."""
_TYPES: Final = (
    "rules end with .yml, signatures are a folder of them, its signatures.jsonl or a STIX .json"
)


class Files(NamedTuple):
    """Paths by what they hold."""

    signatures: tuple[Path, ...]
    rules: tuple[Path, ...]


def by_kind(paths: Sequence[Path]) -> Files:
    """Say which paths hold signatures of fingerprints, and which Sigma rules.

    Raises:
        InputError: A path does not exist or is of no known type.
    """
    rules = tuple(path for path in paths if _holds_rules(path))
    return Files(tuple(path for path in paths if path not in rules), rules)


def _holds_rules(path: Path) -> bool:
    from stillwatch.share.signatures.store import SIGNATURES

    if not path.exists():
        raise InputError(f"{path} does not exist: give a file or folder of signatures or rules")
    if path.is_dir():
        if (path / SIGNATURES).is_file():
            return False
        if not any(rule_paths(path)):
            raise InputError(f"{path} holds no signatures and no rules: {_TYPES}")
        return True
    if path.suffix not in {*SIGMA, ".json", ".jsonl"}:
        raise InputError(f"{path} is no signature of a known type: {_TYPES}")
    return path.suffix in SIGMA


def rule_paths(folder: Path) -> list[Path]:
    """Return the files of rules in a folder; the test events beside them are none."""
    inside = sorted(path for path in folder.rglob("*") if path.suffix in SIGMA)
    return [path for path in inside if "tests" not in path.relative_to(folder).parts]


class Held(NamedTuple):
    """Signatures of one path, and where each is in its life."""

    signatures: "list[Signature]"
    lives: "dict[str, Life]"


def read_signatures(path: Path, now: datetime) -> Held:
    """Read signatures of fingerprints.

    Args:
        path: a folder of them, its `signatures.jsonl`, or a STIX bundle. Those of a bundle have no
            life yet: they are drafts, and those that it revokes or that have ended are left out.
        now: the clock.

    Raises:
        InputError: It holds none, or rules, or cannot be read.
    """
    from stillwatch.share.signatures.life import lives
    from stillwatch.share.signatures.store import SIGNATURES, SignatureStore
    from stillwatch.share.stix.incoming import understand
    from stillwatch.share.stix.store import read_bundle

    if path.exists() and by_kind([path]).rules:
        raise InputError(f"{path} holds Sigma rules: name them with --rules")
    if path.suffix == ".json":
        found = list(understand(read_bundle(path), now).signatures)
        if not found:
            raise InputError(f"{path} holds no signature that is understood and holds now")
        return Held(found, lives(found, [], now))
    if path.suffix == ".jsonl" and path.name != SIGNATURES:
        raise InputError(f"{path} is no folder of signatures: its file is called {SIGNATURES}")
    store = SignatureStore(path.parent if path.suffix == ".jsonl" else path)
    return Held(store.signatures(), store.lives(now))
