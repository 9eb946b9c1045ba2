"""A small committed run to compare with: did a change make detection worse?

The figures of a few cases and seeds stand in a file of JSON lines. Running them anew and comparing
takes a minute, so every check does it; the full benchmark is run by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from stillwatch.bench.measure import measured
from stillwatch.bench.method import Method
from stillwatch.bench.quality import Run, run_quality
from stillwatch.bench.ranking import PREVALENCES, RATES
from stillwatch.bench.suite import Case
from stillwatch.bench.summary import summarise
from stillwatch.errors import ConfigError, InputError

Figures = dict[str, float | None]


class Frozen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures of one method on one seed of one case; None where one cannot be measured."""

    case: str
    seed: int
    method: str
    figures: Figures

    @property
    def key(self) -> tuple[str, int, str]:
        """What identifies a row within one file."""
        return self.case, self.seed, self.method


class Tolerances(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By how much each figure may get worse, in the figure's own unit.

    Attributes:
        falls: Figures of which more is better.
        rises: Figures of which less is better.
    """

    falls: dict[str, float]
    rises: dict[str, float]


class Difference(msgspec.Struct, frozen=True):
    """A figure that is not what it was."""

    case: str
    seed: int
    method: str
    figure: str
    was: float | None
    now: float | None
    judgement: str
    """`better`, `worse` within the tolerance, or `too much worse`."""

    @property
    def fails(self) -> bool:
        """Whether the tolerance is exceeded."""
        return self.judgement == _FAILS


_FAILS = "too much worse"


def run_frozen(
    cases: Sequence[Case],
    seeds: Sequence[int],
    methods: Sequence[Method],
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Frozen]:
    """Measure every method on every seed of every case, in this process."""
    with TemporaryDirectory(prefix="stillwatch-bench-") as folder:
        out = Path(folder) / "runs.jsonl"
        runs = run_quality(cases, seeds, methods, out, progress=progress, isolate=measured)
    by_key = {run.key: run for run in runs}
    return [
        Frozen(case.id, seed, method.name, figures(by_key[case.id, seed, method.name]))
        for case, seed, method in product(cases, seeds, methods)
    ]


def figures(run: Run) -> Figures:
    """Return the figures that are compared, to four digits; see the leaderboard for their names."""
    pooled = summarise([run], np.random.default_rng(0))
    recall = pooled.recall_at[RATES.index(1e-3)]
    found = {
        "recall": pooled.recall.value,
        "recall, either": pooled.recall_either.value,
        "FPR": pooled.false_positives.value,
        "FPR, either": pooled.false_positives_either.value,
        "campaigns found": float(sum(campaign.found for campaign in run.quality.campaigns)),
        "false extraction campaigns": float(pooled.false_extraction),
        "campaigns without one true group": float(pooled.without_group),
        "B³ F1": pooled.bcubed_f1,
        "adjusted Rand": pooled.adjusted_rand,
        "score: recall at FPR 0.001": None if recall is None else recall.value,
        "score: average precision at prevalence 1 %": pooled.average_precision[
            PREVALENCES.index(0.01)
        ],
    }
    return {
        name: None if value is None or np.isnan(value) else float(f"{value:.4g}")
        for name, value in found.items()
    }


def compare(
    frozen: Sequence[Frozen], now: Sequence[Frozen], tolerances: Tolerances
) -> list[Difference]:
    """List what differs, the worst first.

    Args:
        frozen: The committed figures; rows that were not run now are left out.
        now: The figures of today.
        tolerances: What may get worse, and by how much.

    Raises:
        InputError: A row of `now` is not in the committed file.
    """
    before = {row.key: row.figures for row in frozen}
    found = []
    for row in now:
        if row.key not in before:
            raise InputError(
                f"{' '.join(map(str, row.key))} is not frozen; run stillwatch bench frozen --write."
            )
        found += [
            Difference(*row.key, name, was, value, _judge(name, was, value, tolerances))
            for name, value in row.figures.items()
            if (was := before[row.key].get(name)) != value
        ]
    order = (_FAILS, "worse", "better")
    return sorted(found, key=lambda difference: order.index(difference.judgement))


def _judge(name: str, was: float | None, now: float | None, tolerances: Tolerances) -> str:
    if was is None or now is None:
        return _FAILS  # a figure came or went: the case is not what it was
    loss = was - now if name in tolerances.falls else now - was
    allowed = tolerances.falls.get(name, tolerances.rises.get(name, 0.0))
    if loss <= 0:
        return "better"
    return "worse" if loss <= allowed + 1e-12 else _FAILS


def read_frozen(path: Path) -> list[Frozen]:
    """Read a committed run.

    Raises:
        InputError: The file cannot be read or holds something else.
    """
    try:
        return msgspec.json.Decoder(Frozen).decode_lines(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(
            f"{path} is no frozen run ({error}); write it with stillwatch bench frozen --write."
        ) from error


def write_frozen(rows: Sequence[Frozen], path: Path) -> None:
    """Write a run to commit; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.Encoder().encode_lines(rows))


def load_tolerances(path: Path, known: Mapping[str, object] | None = None) -> Tolerances:
    """Read tolerances from TOML.

    Args:
        path: The file.
        known: Figures that there are; one that is not known is refused.

    Raises:
        ConfigError: The file cannot be read, has an unknown key, or names a figure twice or none
            that there is.
    """
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=Tolerances)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise ConfigError(f"{path} holds no tolerances ({error}); mend it.") from error
    if both := found.falls.keys() & found.rises.keys():
        raise ConfigError(f"{path} says both ways of {min(both)!r}; choose one.")
    if known is not None and (unknown := (found.falls.keys() | found.rises.keys()) ^ known.keys()):
        raise ConfigError(f"{path} and the frozen run differ in {min(unknown)!r}; mend the file.")
    return found
