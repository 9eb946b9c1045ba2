"""The accounts table of a scan: risk, p-value, campaign, proposed verdict and reasons."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.detect import wording
from stillwatch.detect.analysis import Analysis, Assessed
from stillwatch.detect.population import Population
from stillwatch.detect.results import ACCOUNT_RESULTS, Campaign
from stillwatch.events.contracts import VERDICT_ORDER, Kind, Verdict
from stillwatch.stats.fdr import bh_adjust

RISK_BANDS: dict[Kind | None, tuple[float, float]] = {
    Kind.EXTRACTION: (0.8, 1.0),
    Kind.RELAY: (0.6, 0.8),
    Kind.UNKNOWN: (0.3, 0.6),
    None: (0.0, 0.3),
}
"""Where the risk of an account lies by the kind of its campaign; other kinds are as if in none."""

LONE_Q = 0.01
"""FDR level at which an account outside every campaign is watched for its own behaviour."""


def account_results(
    population: Population, analysis: Analysis, campaigns: list[Campaign], exempt: Mapping[str, str]
) -> pa.Table:
    """Return `ACCOUNT_RESULTS`, a row per account.

    Risk orders accounts: the band of the campaign's kind, and within it how unusual the account
    itself is. A verdict is a proposal; exempt accounts get none beyond `watch`.
    """
    size = population.size
    p_value = analysis.findings.p_value
    low, high = (np.full(size, bound) for bound in RISK_BANDS[None])
    name = np.full(size, None, object)
    verdict = np.full(size, Verdict.ALLOW, object)
    verdict[bh_adjust(p_value) <= LONE_Q] = Verdict.WATCH
    reasons: list[list[str]] = [[] for _ in range(size)]
    for assessed, campaign in zip(analysis.assessed, campaigns, strict=True):
        members = assessed.group.members
        low[members], high[members] = RISK_BANDS.get(assessed.kind, RISK_BANDS[None])
        name[members] = campaign.campaign_id
        proposed = _verdict(assessed)
        verdict[members] = proposed
        verdict[assessed.group.joined] = min(proposed, Verdict.THROTTLE, key=VERDICT_ORDER.index)
        kind = wording.KIND_NAMES[campaign.kind][0]
        for member in members:
            reasons[member].append(f"{campaign.campaign_id}: {kind}, {campaign.size:,} accounts")
    ids = population.account_ids
    for code in np.flatnonzero((p_value <= 0.01) | (name != None)):  # noqa: E711 - elementwise
        reasons[code] += analysis.findings.reasons(int(code))
    for code in np.flatnonzero(np.isin(np.array(ids, object), list(exempt))):
        reasons[code].insert(0, f"exempt: {exempt[ids[code]]}")
        verdict[code] = min(verdict[code], Verdict.WATCH, key=VERDICT_ORDER.index)
    columns = [
        ids,
        low + (high - low) * (1 - p_value),
        p_value,
        name.tolist(),
        [str(v) for v in verdict],
        reasons,
    ]
    return pa.table(
        [
            pa.array(column, field.type)
            for column, field in zip(columns, ACCOUNT_RESULTS, strict=True)
        ],
        schema=ACCOUNT_RESULTS,
    )


def profile_table(population: Population, analysis: Analysis) -> pa.Table:
    """Return profiles with pace, findings and what a later scan needs as a reference.

    `p_<signal>` is a p-value and `s_<signal>` the measure behind it, null where an account has no
    such data; `cohort`, `background` and `score` belong to the reference.
    """
    table = population.profiles
    for field in population.pace.schema:
        table = table.append_column(field.name, population.pace[field.name])
    for signal in analysis.findings.signals:
        table = table.append_column(
            f"p_{signal.name}", _nullable(analysis.findings.p_values[signal.name])
        )
        table = table.append_column(
            f"s_{signal.name}", _nullable(analysis.findings.measures[signal.name])
        )
    table = table.append_column("cohort", pa.array(analysis.cohort))
    table = table.append_column("background", pa.array(analysis.background))
    return table.append_column("score", pa.array(analysis.findings.score))


def _verdict(assessed: Assessed) -> Verdict:
    if assessed.kind is Kind.EXTRACTION:
        sure = max(assessed.q_kind, assessed.q_coordination) <= 0.001
        return Verdict.CHALLENGE if sure else Verdict.THROTTLE
    return Verdict.WATCH if assessed.kind in {Kind.RELAY, Kind.UNKNOWN} else Verdict.ALLOW


def _nullable(numbers: NDArray[np.float64]) -> pa.Array:
    return pa.array(numbers, pa.float64(), mask=np.isnan(numbers))
