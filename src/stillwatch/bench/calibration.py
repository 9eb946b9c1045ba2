"""Do claimed p-values and q-values hold their level, over many small runs?

Three claims are checked, each where its null hypothesis is true or known:

* an account's p-value, on the benign accounts of runs without attack;
* "this cluster is more alike than chance", on runs without attack in which the evidence that the
  test holds out was dealt anew among accounts of the same script, so that every cluster is chance,
  and on all runs as they are, against the labels;
* "this campaign is extraction", against the labels.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from stillwatch.bench.labels import Labels, labels_from
from stillwatch.bench.metrics import HALF
from stillwatch.bench.quality import read_lines
from stillwatch.bench.revision import revision
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated, simulated
from stillwatch.detect import coordination, kinds
from stillwatch.detect.analysis import Analysis, AnalysisSettings, analyse
from stillwatch.detect.engines.gather import gather
from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.features import FamilyCounts
from stillwatch.detect.formation import View
from stillwatch.detect.population import Population
from stillwatch.detect.profiles import main_script
from stillwatch.detect.progress import Silent
from stillwatch.detect.signals import installed
from stillwatch.detect.workers import Threads
from stillwatch.errors import InputError
from stillwatch.events.readers import read_accounts
from stillwatch.stats.arrays import IntArray
from stillwatch.version import __version__

GRID: Final = tuple(10.0 ** (-k / 4) for k in range(21))
"""Levels at which p-values are counted: four to a power of ten, down to 1e-5."""
CASES: Final = ("benign-small", "mixed-small")
"""Cases that take turns, one seed each."""


class Claim(msgspec.Struct, frozen=True):
    """One hypothesis with its q-value and p-value, and whether the null hypothesis is true."""

    q: float
    p: float
    null: bool
    relay: bool = False
    """Of a campaign: whether relay pools hold the majority, which are attacks but no extraction."""


class CalibrationRun(msgspec.Struct, frozen=True):
    """What one run says of itself.

    Attributes:
        case: Id of the case.
        seed: Its seed.
        version: Of the package.
        commit: Of the checkout; see `revision`.
        attack: Whether the case has any attack.
        accounts: Benign accounts.
        account_p: Benign accounts with a p-value at or below each level of `GRID`.
        clusters: Candidate clusters; null where no campaign or benign group has the majority. Their
            p-value is the inverse of the e-value, at most 1.
        dealt: The same after held-out evidence was dealt anew; all null.
        campaigns: Coordinated groups as candidates for extraction; null where no majority belongs
            to an extraction campaign.
    """

    case: str
    seed: int
    version: str
    commit: str
    attack: bool
    accounts: int
    account_p: list[int]
    clusters: list[Claim]
    dealt: list[Claim]
    campaigns: list[Claim]


def run_calibration(
    cases: Sequence[Case],
    seeds: Sequence[int],
    out: Path,
    *,
    resume: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[CalibrationRun]:
    """Run one seed after the other, the cases taking turns, in this process.

    Args:
        cases: What to simulate.
        seeds: One run each.
        out: JSON lines, appended to after every run; its folder is made.
        resume: Keep the runs that `out` already holds and do only what is missing.
        progress: Called with one line before each run.

    Returns:
        All runs that `out` then holds.

    Raises:
        InputError: `out` exists and `resume` is false, or it holds runs of another version.
    """
    if out.exists() and not resume:
        raise InputError(f"{out} exists; continue it with --resume or give another file.")
    runs = read_lines(out, CalibrationRun) if out.exists() else []
    if any(run.version != __version__ for run in runs):
        raise InputError(f"{out} holds runs of another version; give another file.")
    done = {run.seed for run in runs}
    out.parent.mkdir(parents=True, exist_ok=True)
    commit = revision()
    for number, seed in enumerate(seeds):
        if seed in done:
            continue
        case = cases[number % len(cases)]
        progress(f"{case.id}, seed {seed}, run {number + 1} of {len(seeds)}")
        with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
            made = simulated(case, seed, None, Path(folder))
            run = calibrated(case, seed, made, commit)
        with out.open("ab") as stream:
            stream.write(msgspec.json.encode(run) + b"\n")
        runs.append(run)
    return runs


def calibrated(case: Case, seed: int, made: Simulated, commit: str = "") -> CalibrationRun:
    """Analyse one simulated run and note what it claims and what is true."""
    population = _population(made)
    analysis = analyse(
        population, installed(), AnalysisSettings(), None, Silent(), workers=Threads()
    )
    labels = labels_from(made.read_labels())
    # Both are sorted by account id, so codes of the population are places in the labels.
    if population.account_ids != labels.account.tolist():
        raise InputError(f"The labels of {made.folder} are of other traffic; simulate it again.")
    benign = analysis.findings.p_value[~labels.attack]
    script = main_script(population.profiles)
    rng = np.random.default_rng(seed)
    dealt = [_dealt(view, script, rng) for view in analysis.views]
    return CalibrationRun(
        case=case.id,
        seed=seed,
        version=__version__,
        commit=commit,
        attack=bool(labels.attack.any()),
        accounts=int(benign.size),
        account_p=[int(np.sum(benign <= level)) for level in GRID],
        clusters=_clusters(coordination.test(analysis.views, script), labels),
        dealt=_clusters(coordination.test(dealt, script), None),
        campaigns=_campaigns(analysis, labels),
    )


def _population(made: Simulated) -> Population:
    accounts = read_accounts(made.accounts_path)
    with LocalEngine(
        [made.fingerprints_path], made.folder, memory_limit="2GB", threads=2
    ) as engine:
        return gather(engine, accounts, None, Silent())


def _dealt(view: View, script: IntArray, rng: np.random.Generator) -> View:
    """The view with each account's held-out evidence given to another of the same script."""
    other = np.arange(script.size)
    for code in np.unique(script):
        same = np.flatnonzero(script == code)
        other[same] = rng.permutation(same)
    return replace(
        view, held_out={f: _renamed(counts, other) for f, counts in view.held_out.items()}
    )


def _renamed(counts: FamilyCounts, other: IntArray) -> FamilyCounts:
    account = other[counts.account].astype(counts.account.dtype)
    order = np.lexsort((counts.number, account))
    return replace(
        counts,
        account=account[order],
        number=counts.number[order],
        count=counts.count[order],
        held_out=counts.held_out[order],
    )


def _clusters(candidates: list[coordination.Candidate], labels: Labels | None) -> list[Claim]:
    """Claims of coordination; without labels, all of them are null."""
    unit = None if labels is None else labels.unit
    found = []
    for candidate in candidates:
        null = True
        if unit is not None:
            most = np.unique(unit[candidate.members], return_counts=True)[1].max()
            null = bool(most < HALF * candidate.members.size)
        p = 1.0 / max(1.0, candidate.e_value)
        found.append(Claim(_short(candidate.q_value), _short(p), null))
    return found


def _campaigns(analysis: Analysis, labels: Labels) -> list[Claim]:
    extraction = labels.attack & (labels.kind == "extraction")
    relay = labels.attack & (labels.kind == "relay")
    return [
        Claim(
            q=_short(found.q_kind),
            p=_short(kinds.p_kind(found.alternatives)),
            null=bool(extraction[found.group.members].mean() < HALF),
            relay=bool(relay[found.group.members].mean() >= HALF),
        )
        for found in analysis.assessed
    ]


def _short(value: float) -> float:
    return float(f"{value:.4g}")
