"""From assessed groups to campaigns with their evidence (contract 3)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.detect import labels, pictures, wording
from stillwatch.detect.analysis import Analysis, Assessed
from stillwatch.detect.enrichment import Enriched
from stillwatch.detect.features import Family
from stillwatch.detect.labels import Readable
from stillwatch.detect.links import Links
from stillwatch.detect.objectives import main_objective, objective_shares
from stillwatch.detect.population import Population
from stillwatch.detect.prices import PriceTable, Tokens
from stillwatch.detect.profiles import SCRIPTS, matrix, seconds, values
from stillwatch.detect.results import Campaign, Enrichment, Evidence, Indicator, Share
from stillwatch.events.contracts import Kind
from stillwatch.events.scripts import Script

MOST_INDICATORS = 20
MOST_BARS = 14
SMALLEST_LOG10 = -300.0
TELLING = frozenset(
    {"volumes", "moments", "identity", "network", "conversations", "pace", "ordinary_requests"}
)
"""Predictions whose contradiction is a reason a person understands by itself."""

NOT_TOLD = {
    "volumes": "how much they use",
    "moments": "when they started",
    "identity": "who pays and on which devices",
    "many_means": "who pays and on which devices",
    "one_web": "who pays and on which devices",
    "network": "on which networks they sit",
    "one_place": "on which networks they sit",
    "place": "on which networks they sit",
    "conversations": "whether they share conversations",
    "pace": "at which pace they work",
    "interests": "which subjects they come back to",
    "same_questions": "which subjects they have in common",
    "repeats": "which questions they repeat",
    "repetition": "which requests they repeat",
    "short_answers": "how long their answers are",
    "breadth": "how broad their subjects are",
    "ordinary_requests": "what their requests ask for",
    "ordinary_accounts": "how they behave one by one",
    "extreme_accounts": "how they behave one by one",
    "one_organisation": "which organisation they belong to",
    "one_customer": "whose customers they are",
    "known_customer": "whose customers they are",
}
"""What is not known of members where a prediction could not be measured, by its name."""


@dataclass(frozen=True)
class Context:
    """What all campaigns of one scan share.

    Attributes:
        population: all accounts.
        analysis: what was found.
        readable: texts of feature values.
        prices: price table, or None.
        exempt: account ids that are exempt, with the reason.
        usual: objectives of all traffic.
    """

    population: Population
    analysis: Analysis
    readable: Readable
    prices: PriceTable | None
    exempt: Mapping[str, str]
    usual: list[Share]


def assemble(context: Context) -> list[tuple[Campaign, Evidence]]:
    """Return every campaign with its evidence, gravest kind and largest first."""
    found = context.analysis.assessed
    links = pictures.within(
        [view.links for view in context.analysis.views],
        [assessed.group.members for assessed in found],
        context.population.size,
    )
    return [_campaign(context, *each) for each in zip(found, links, strict=True)]


def campaign_id(group: pa.Table) -> str:
    """Return a name that stays as a campaign grows: made from the member seen first.

    Args:
        group: profiles of the members, in order of account code.
    """
    first = int(np.argmin(seconds(group, "first_seen")))
    digest = hashlib.blake2b(group["account_id"][first].as_py().encode(), digest_size=4)
    return f"sw-{digest.hexdigest()}"


def _campaign(context: Context, assessed: Assessed, links: Links) -> tuple[Campaign, Evidence]:
    population, members = context.population, assessed.group.members
    group = population.profiles.take(pa.array(members))
    shares = objective_shares(group)
    tokens = _tokens(population, members)
    bars = _bars(context, assessed)
    name = campaign_id(group)
    campaign = Campaign(
        campaign_id=name,
        kind=assessed.kind,
        accounts=group["account_id"].to_pylist(),
        size=int(members.size),
        events=int(values(group, "events").sum()),
        first_seen=_moment(seconds(group, "first_seen").min()),
        last_seen=_moment(seconds(group, "last_seen").max()),
        q_coordination=assessed.q_coordination,
        q_kind=assessed.q_kind,
        objective=main_objective(shares, context.usual)
        if assessed.kind is Kind.EXTRACTION
        else None,
        carries=[Share(s.objective, round(s.share, 4)) for s in shares],
        value=context.prices.value(tokens) if context.prices else None,
        reasons=_reasons(assessed, bars),
        indicators=_indicators(context, assessed),
    )
    start, activity = pictures.activity(population.hourly, members)
    evidence = Evidence(
        campaign_id=name,
        enrichments=bars,
        alternatives=assessed.alternatives,
        growth=pictures.growth(population.hourly, members),
        activity_start=start,
        activity=activity,
        graph=pictures.graph(population, links, members),
        input_tokens=sum(t.input for t in tokens.values()),
        output_tokens=sum(t.output for t in tokens.values()),
        languages=_scripts(group),
        doubts=_doubts(context, assessed, tokens),
        untested_members=int(assessed.group.joined.size),
        exempt_members=sum(account in context.exempt for account in campaign.accounts),
        unusual_p=assessed.unusual_p,
    )
    return campaign, evidence


def shown(rows: Enriched) -> list[int]:
    """Return which rows of a profile are shown: the telling ones, most carried first.

    At most three of a family, and no bare words.
    """
    kept: list[int] = []
    of_family: dict[int, int] = {}
    for k in np.lexsort((rows.value, rows.log_p)):
        family = int(rows.family[k])
        if family == Family.WORDS or of_family.get(family, 0) == 3:
            continue
        of_family[family] = of_family.get(family, 0) + 1
        kept.append(int(k))
    return sorted(kept, key=lambda k: -rows.share[k])[:MOST_BARS]


def _bars(context: Context, assessed: Assessed) -> list[Enrichment]:
    rows = assessed.group.rows
    return [_bar(context, assessed, rows, k) for k in shown(rows)]


def _bar(context: Context, assessed: Assessed, rows: Enriched, k: int) -> Enrichment:
    family, value = Family(int(rows.family[k])), int(rows.value[k])
    return Enrichment(
        family=labels.NAMES[family],
        label=labels.label(family, value, context.readable),
        member_share=round(float(rows.share[k]), 6),
        population_share=round(float(rows.population[k]) / context.population.size, 6),
        log10_p=max(float(rows.log_p[k] / np.log(10)), SMALLEST_LOG10),
        held_out=(int(family), value) in assessed.held_out,
    )


def _indicators(context: Context, assessed: Assessed) -> list[Indicator]:
    rows = assessed.group.rows
    wanted = (rows.family != Family.WORDS) & (rows.share >= 0.1)
    order = np.flatnonzero(wanted)[np.lexsort((rows.value[wanted], -rows.members[wanted]))]
    return [
        Indicator(
            family=Family(int(rows.family[k])).name.lower(),
            value=labels.value_text(
                Family(int(rows.family[k])), int(rows.value[k]), context.readable
            ),
            members=int(rows.members[k]),
            population=int(rows.population[k]),
        )
        for k in order[:MOST_INDICATORS]
    ]


def _reasons(assessed: Assessed, bars: list[Enrichment]) -> list[str]:
    shared = [
        f"{wording.percent(bar.member_share)} share {bar.label}, "
        f"{wording.percent(bar.population_share)} of all accounts do"
        for bar in bars[:4]
    ]
    contradicted = [
        found.text
        for name, found in assessed.measured.items()
        if name in TELLING and found is not None and found.p_value <= 0.001
    ]
    return [*shared, *contradicted]


def _doubts(context: Context, assessed: Assessed, tokens: Mapping[str, Tokens]) -> list[str]:
    doubts = []
    if assessed.group.joined.size:
        doubts.append(
            f"{assessed.group.joined.size} of {assessed.group.members.size} accounts joined by "
            "matching the profile after the test and are untested"
        )
    missing = [name for name, found in assessed.measured.items() if found is None]
    if missing:
        untold = dict.fromkeys(NOT_TOLD[name] for name in missing)
        doubts.append(f"the log cannot tell {wording.listing(list(untold))}")
    if assessed.kind is Kind.EXTRACTION:
        doubts.append("operators who resell to several buyers look like one operation here")
    if assessed.unusual_p > 0.1:
        doubts.append("taken one by one, its accounts behave like others")
    if context.prices and (unpriced := context.prices.unpriced(tokens)):
        doubts.append(
            f"no price is given for {', '.join(unpriced)}: they are left out of the value"
        )
    return doubts


def _tokens(population: Population, members: NDArray[np.int64]) -> dict[str, Tokens]:
    use = population.models
    inside = use.rows_of(members)
    into = np.bincount(use.model[inside], use.input_tokens[inside], len(use.names))
    out = np.bincount(use.model[inside], use.output_tokens[inside], len(use.names))
    return {
        name: Tokens(int(into[k]), int(out[k]))
        for k, name in enumerate(use.names)
        if into[k] or out[k]
    }


def _scripts(group: pa.Table) -> list[Share]:
    counts = matrix(group, SCRIPTS).sum(axis=0)
    total = max(float(counts.sum()), 1.0)
    shares = [
        Share(Script(k).name.lower(), round(float(n) / total, 4)) for k, n in enumerate(counts) if n
    ]
    return sorted(shares, key=lambda share: -share.share)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
