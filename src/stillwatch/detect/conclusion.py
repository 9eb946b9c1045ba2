"""From a population to a result: what every way of reading events has in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from stillwatch.detect import accounts as account_tables
from stillwatch.detect import campaigns as campaign_tables
from stillwatch.detect.analysis import Analysis, AnalysisSettings, analyse
from stillwatch.detect.calibration import Reference
from stillwatch.detect.exemptions import active_exemptions
from stillwatch.detect.labels import Readable
from stillwatch.detect.objectives import objective_shares
from stillwatch.detect.population import Population
from stillwatch.detect.prices import PriceTable
from stillwatch.detect.progress import Progress
from stillwatch.detect.results import Calibration, Campaign, Evidence, RunSummary, ScanResult
from stillwatch.detect.signals import installed
from stillwatch.detect.wording import count
from stillwatch.detect.workers import Workers
from stillwatch.events.contracts import Exemption
from stillwatch.events.lists import DisposableDomains, NetworkLists
from stillwatch.version import __version__

SELF_CONTAMINATION = 0.01
"""Share of attack assumed to be left among the accounts that stand for ordinary ones."""


@dataclass(frozen=True)
class Given:
    """What a user gives beside the events.

    Attributes:
        listed: the accounts table.
        reference: earlier ordinary accounts to calibrate with.
        register: the register of exemptions.
        networks: lists of networks.
        disposable: list of disposable mail domains.
        prices: price table.
    """

    listed: pa.Table | None = None
    reference: Reference | None = None
    register: tuple[Exemption, ...] = ()
    networks: NetworkLists | None = None
    disposable: DisposableDomains | None = None
    prices: PriceTable | None = None

    @property
    def contain(self) -> Callable[[pa.ChunkedArray], pa.BooleanArray] | None:
        """Tells which mail domains are disposable; None without a list."""
        return self.disposable.contain if self.disposable is not None else None


@dataclass(frozen=True)
class Counts:
    """What was read: events, and rows that were not as they should be.

    Attributes:
        inputs: names of the inputs.
        events: events analysed.
        repeated: events whose id another one had before.
        rejected: rows that could not be read.
        reasons: the same by reason.
    """

    inputs: list[str]
    events: int
    repeated: int
    rejected: int
    reasons: dict[str, int]


Found = list[tuple[Campaign, Evidence]]


def conclude(
    population: Population,
    readable: Readable,
    given: Given,
    settings: AnalysisSettings,
    *,
    counts: Counts,
    workers: Workers,
    progress: Progress,
    name: Callable[[Found], Found] = lambda found: found,
    notes: Sequence[str] = (),
) -> ScanResult:
    """Analyse a population and say what was found.

    Args:
        population: all accounts.
        readable: texts of feature values.
        given: what the user gave beside the events.
        settings: thresholds of the analysis.
        counts: what was read.
        workers: carry out the largest searches.
        progress: told of each stage.
        name: may give campaigns other ids and kinds, in order, before accounts are told of them.
        notes: what else the result should say of the run.
    """
    analysis = analyse(
        population, installed(), settings, given.reference, progress, workers=workers
    )
    exemptions = active_exemptions(given.register, given.listed, population.last_seen)
    progress.start("evidence", None)
    usual = objective_shares(population.profiles)
    context = campaign_tables.Context(
        population, analysis, readable, given.prices, exemptions, usual
    )
    found = name(campaign_tables.assemble(context))
    campaigns = [campaign for campaign, _ in found]
    result = ScanResult(
        accounts=account_tables.account_results(population, analysis, campaigns, exemptions),
        profiles=account_tables.profile_table(population, analysis, readable),
        campaigns=tuple(campaigns),
        evidence={evidence.campaign_id: evidence for _, evidence in found},
        summary=_summary(context, settings, given, counts, notes),
    )
    progress.finish()
    return result


def _summary(
    context: campaign_tables.Context,
    settings: AnalysisSettings,
    given: Given,
    counts: Counts,
    notes: Sequence[str],
) -> RunSummary:
    population, analysis = context.population, context.analysis
    return RunSummary(
        version=__version__,
        inputs=counts.inputs,
        events=counts.events,
        accounts=population.size,
        first_seen=population.first_seen,
        last_seen=population.last_seen,
        rejected=counts.rejected,
        rejected_reasons=counts.reasons,
        calibration=_calibration(analysis, given.reference),
        settings={
            "largest q of coordination": settings.coordination,
            "largest q of kind": settings.kind,
            "largest p of standing out": settings.unusual,
            "smallest campaign": settings.formation.smallest,
            "seed": settings.formation.seed,
        },
        signals=list(analysis.findings.statuses),
        exempt_accounts=sum(account in context.exempt for account in population.account_ids),
        candidate_clusters=analysis.candidates,
        notes=[*_notes(population, context.prices, counts), *notes],
    )


def _calibration(analysis: Analysis, reference: Reference | None) -> Calibration:
    findings = analysis.findings
    if reference is not None:
        note = (
            "its ordinary accounts, and what people judged since where judgements.jsonl says so; "
            "attack left among them makes p-values too large"
        )
        return Calibration(
            "reference", findings.accounts, SELF_CONTAMINATION, findings.smallest_p, note
        )
    note = (
        "accounts of this traffic: signals are ranked among those in no coordinated cluster, "
        "accounts among all outside extraction campaigns; attack left among them makes p-values "
        "too large"
    )
    return Calibration("self", findings.accounts, SELF_CONTAMINATION, findings.smallest_p, note)


def _notes(population: Population, prices: PriceTable | None, counts: Counts) -> list[str]:
    notes = []
    if population.accounts is None:
        notes.append(
            "no accounts table was given, so sign-up, payment and organisation were not looked at"
        )
    if prices is None:
        notes.append("no price table was given, so values are missing; --prices FILE adds them")
    if counts.rejected:
        notes.append(
            f"{counts.rejected:,} rows could not be read; rejected.jsonl says which and why"
        )
    if counts.repeated:
        notes.append(
            f"event_id repeats an earlier one in {count(counts.repeated, 'event')}, "
            "all of them counted: scan again without copies if the log holds some requests twice"
        )
    if population.size < 1000:
        notes.append(
            f"with {population.size:,} accounts, few can stand for ordinary ones: "
            "p-values are coarse"
        )
    return notes
