"""How much of a campaign is served before a watch flags it, on simulated traffic in event time.

Events come in the order of time; the window is analysed every few hours of event time through the
same state that a watch keeps. A campaign is flagged by the first analysis in which a campaign of
kind `extraction` or `relay` holds at least five of its accounts and more of them than of anybody
else; it is seen by the first in which that is so of any kind.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.bench.labels import Labels, labels_from
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import simulated
from stillwatch.detect.analysis import AnalysisSettings
from stillwatch.detect.conclusion import Given
from stillwatch.detect.progress import Progress, Silent
from stillwatch.detect.results import Campaign, ScanResult
from stillwatch.detect.watch.announce import Announcement
from stillwatch.detect.watch.intake import Intake
from stillwatch.detect.watch.sources.base import Taken
from stillwatch.detect.watch.state import Facts, open_state
from stillwatch.detect.watch.watch import Pace, Status, Watch
from stillwatch.events.contracts import Kind
from stillwatch.events.key import Key
from stillwatch.events.readers import read_accounts

SMALLEST: Final = 5
"""Accounts of a true campaign that a detected one must hold to count as it."""
WINDOW: Final = 28
_GRAVE: Final = frozenset({Kind.EXTRACTION, Kind.RELAY})
_HOUR: Final = 3600 * 1_000_000


class Delay(msgspec.Struct, frozen=True):
    """One true campaign.

    Attributes:
        campaign: Its label.
        kind: What it is.
        accounts: Its accounts that sent anything.
        events: All its events.
        before_seen: Share of them before it was announced as any kind; 1 where it never was.
        before_flag: Share of them before it was announced as `extraction` or `relay`.
        saved: Events of its accounts after each was itself in a flagged campaign.
    """

    campaign: str
    kind: str
    accounts: int
    events: int
    before_seen: float
    before_flag: float
    saved: int


class Delays(msgspec.Struct, frozen=True):
    """All true campaigns of one run.

    Attributes:
        seed: Seed of the traffic.
        hours: Hours of event time between analyses.
        median: Median of `before_flag`.
        events: Events of all campaigns.
        saved: How many of them came from an account after it was flagged.
        campaigns: Each of them, the largest first.
    """

    seed: int
    hours: float
    median: float
    events: int
    saved: int
    campaigns: list[Delay]


@dataclass(frozen=True)
class Moment:
    """What an analysis flagged and saw: true campaigns, and flagged accounts."""

    time: int
    seen: frozenset[str]
    flagged: frozenset[str]
    accounts: frozenset[str]


def measure_delay(
    case: Case,
    seed: int,
    hours: float,
    folder: Path,
    *,
    prompts: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Delays:
    """Simulate traffic, replay it through a watch, and say how late each campaign was flagged.

    Args:
        case: What to simulate.
        seed: Its seed.
        hours: Hours of event time between analyses.
        folder: An empty folder to work in.
        prompts: Folder of real prompts.
        progress: Called with one line now and then.
    """
    made = simulated(case, seed, prompts, folder / "traffic")
    labels = labels_from(made.read_labels())
    rows = pq.read_table(made.fingerprints_path).sort_by("time")
    listed = read_accounts(made.accounts_path)
    moments = replay(rows, listed, labels, hours=hours, folder=folder, progress=progress)
    found = delays(rows, labels, moments)
    return Delays(
        seed=seed,
        hours=hours,
        median=float(np.median([delay.before_flag for delay in found])) if found else 0.0,
        events=sum(delay.events for delay in found),
        saved=sum(delay.saved for delay in found),
        campaigns=found,
    )


class _Silent:
    """A listener that hears nothing."""

    progress: Progress = Silent()

    def say(self, text: str) -> None:
        """Do nothing."""

    def announce(self, announcement: Announcement) -> None:
        """Do nothing."""

    def status(self, status: Status) -> None:
        """Do nothing."""


def replay(
    rows: pa.Table,
    listed: pa.Table,
    labels: Labels,
    *,
    hours: float,
    folder: Path,
    progress: Callable[[str], None],
) -> list[Moment]:
    """Feed fingerprints in the order of time, and note what each analysis says.

    Args:
        rows: Fingerprints, the earliest first.
        listed: The accounts table.
        labels: The truth.
        hours: Hours of event time between analyses.
        folder: Where the state goes.
        progress: Called with one line per day.
    """
    times = rows["time"].cast(pa.int64()).to_numpy()
    facts = Facts("replay", Key.public().id, WINDOW)
    state, _ = open_state(folder / "state", facts)
    given, truth = Given(listed=listed), dict(zip(labels.account, labels.campaign, strict=True))
    moments, begin = [], 0
    now = datetime.fromtimestamp(times[0] / 1e6, UTC)
    with state:
        intake = Intake(state, Key.public(), None, WINDOW)
        watch = Watch(
            state,
            facts,
            intake,
            lambda: given,
            settings=AnalysisSettings(),
            pace=Pace(),
            listener=_Silent(),
            clock=lambda: now,
        )
        step = int(hours * _HOUR)
        for border in range(int(times[0]) + step, int(times[-1]) + step + 1, step):
            end = int(np.searchsorted(times, border))
            now = datetime.fromtimestamp(border / 1e6, UTC)
            batches = rows.slice(begin, end - begin).combine_chunks().to_batches()
            intake.take_up(Taken(fingerprints=batches), now)
            begin = end
            if (result := watch.analyse(show=False)) is not None:
                moments.append(_moment(border, result, truth))
            if len(moments) % 8 == 0:
                progress(f"{now:%Y-%m-%d %H:%M}: {end:,} of {len(times):,} events")
    return moments


def _moment(time: int, result: ScanResult, truth: dict[str, str]) -> Moment:
    seen = {(whose(campaign, truth), campaign.kind in _GRAVE) for campaign in result.campaigns}
    flagged = (c.accounts for c in result.campaigns if c.kind in _GRAVE)
    return Moment(
        time,
        frozenset(name for name, _ in seen if name),
        frozenset(name for name, grave in seen if name and grave),
        frozenset(account for accounts in flagged for account in accounts),
    )


def whose(campaign: Campaign, truth: dict[str, str]) -> str:
    """Return the true campaign that a detected one is; "" where it is none."""
    counts = Counter(truth.get(account, "") for account in campaign.accounts)
    name, members = counts.most_common(1)[0]
    return name if members >= SMALLEST else ""


def delays(rows: pa.Table, labels: Labels, moments: Sequence[Moment]) -> list[Delay]:
    """Compare what was served with when it was flagged.

    Args:
        rows: Fingerprints, the earliest first.
        labels: The truth.
        moments: Analyses, the earliest first.
    """
    times = rows["time"].cast(pa.int64()).to_numpy()
    account = rows["account_id"].combine_chunks()
    since = _since(moments, lambda moment: moment.accounts)
    found = []
    for name in np.unique(labels.campaign[labels.attack]).tolist():
        members = labels.account[labels.campaign == name]
        inside = pc.is_in(account, pa.array(members.tolist(), pa.string()))
        at, who = times[np.asarray(inside)], account.filter(inside).to_pylist()
        never = np.iinfo(np.int64).max
        own = np.array([since.get(one, never) for one in who], np.int64)
        found.append(
            Delay(
                campaign=name,
                kind=str(labels.kind[labels.campaign == name][0]),
                accounts=len(set(who)),
                events=at.size,
                before_seen=_before(at, _since(moments, lambda m: m.seen).get(name)),
                before_flag=_before(at, _since(moments, lambda m: m.flagged).get(name)),
                saved=int((at >= own).sum()),
            )
        )
    return sorted(found, key=lambda delay: -delay.events)


def _since(moments: Sequence[Moment], of: Callable[[Moment], frozenset[str]]) -> dict[str, int]:
    """Return when each name was first there."""
    first: dict[str, int] = {}
    for moment in moments:
        for name in of(moment):
            first.setdefault(name, moment.time)
    return first


def _before(times: NDArray[np.int64], since: int | None) -> float:
    return 1.0 if since is None else float((times < since).mean())
