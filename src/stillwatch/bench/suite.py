"""What is measured: the permanent cases and seeds of `benchmarks/quality/scenarios.toml`."""

from pathlib import Path

import msgspec

from stillwatch.errors import ConfigError, InputError


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the benchmark. An id is permanent: a changed case gets a new one."""

    id: str
    scenario: str
    """Name of the simulator's scenario."""
    scale: str
    table: str
    """The table of the leaderboard in which it stands: `headline`, `goals`, `evasion`, `adaptive`
    or `null`; `development` stands in none."""
    about: str
    goal: float | None = None
    """Recall, either kind, that is aimed at; stated before it was measured."""


class Seeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seeds by purpose. Only `report` seeds stand in the leaderboard; no one tunes on them."""

    development: list[int]
    report: list[int]
    null: list[int]
    """Of the many small benign runs."""
    spent: list[int] = []
    """Report and null seeds of earlier reports: free for development, never reported again."""


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the committed run of `frozen` covers."""

    cases: list[str] = []
    seeds: list[int] = []
    methods: list[str] = []


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All cases and seeds."""

    seeds: Seeds
    case: list[Case]
    frozen: Chosen = Chosen()

    def cases(self, *ids: str) -> list[Case]:
        """The cases of these ids, in this order.

        Raises:
            InputError: There is no such case.
        """
        known = {case.id: case for case in self.case}
        for name in ids:
            if name not in known:
                raise InputError(f"There is no case {name!r}; use one of {', '.join(known)}.")
        return [known[name] for name in ids]


def load_suite(path: Path) -> Suite:
    """Read a suite from TOML.

    Raises:
        ConfigError: The file cannot be read, has an unknown key, names an id twice, or uses a seed
            for two purposes.
    """
    try:
        suite = msgspec.toml.decode(path.read_bytes(), type=Suite)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise ConfigError(f"{path} is no benchmark suite ({error}); mend it.") from error
    ids = [case.id for case in suite.case]
    if len(set(ids)) < len(ids):
        raise ConfigError(f"{path} names a case twice; give each its own id.")
    known = {*suite.seeds.development, *suite.seeds.spent}
    if known & {*suite.seeds.report, *suite.seeds.null}:
        raise ConfigError(f"{path} uses a seed for development and for the report; part them.")
    if not set(suite.frozen.seeds) <= known:
        raise ConfigError(f"{path} freezes a seed that is not for development; choose another.")
    return suite
