"""The rules that ship with the package, one YAML file each, and their test events."""

from importlib.resources import files
from typing import Final

from stillwatch.share.sigma.cases import Case, read_cases
from stillwatch.share.sigma.reading import RuleFile, read_rules

FOLDER: Final = "rules"


def pack_names() -> tuple[str, ...]:
    """Name the rules of the pack: their files without `.yml`."""
    folder = files("stillwatch.share.sigma") / FOLDER
    names = [entry.name for entry in folder.iterdir()]
    return tuple(sorted(name.removesuffix(".yml") for name in names if name.endswith(".yml")))


def pack() -> tuple[RuleFile, ...]:
    """Read every rule of the pack."""
    return tuple(read_rules(_text(f"{name}.yml"), f"{name}.yml") for name in pack_names())


def pack_cases(name: str) -> tuple[Case, ...]:
    """Read the test events of one rule of the pack."""
    return read_cases(_text(f"tests/{name}.yml"), f"tests/{name}.yml")


def _text(name: str) -> str:
    return (files("stillwatch.share.sigma") / FOLDER / name).read_text(encoding="utf-8")
