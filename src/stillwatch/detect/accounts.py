"""The accounts table of a scan: risk, p-value, campaign, proposed verdict and reasons."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.detect import wording
from stillwatch.detect.analysis import Analysis, Assessed
from stillwatch.detect.campaigns import shown
from stillwatch.detect.explain import ENRICHED
from stillwatch.detect.features import Family, FamilyCounts, Features
from stillwatch.detect.labels import Readable, label
from stillwatch.detect.membership import Group
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
        low[members], high[members] = RISK_BANDS.get(campaign.kind, RISK_BANDS[None])
        name[members] = campaign.campaign_id
        proposed = _verdict(assessed, campaign.kind)
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


def profile_table(population: Population, analysis: Analysis, readable: Readable) -> pa.Table:
    """Return profiles with pace, findings and what a later scan needs as a reference.

    `p_<signal>` is a p-value and `s_<signal>` the measure behind it, null where an account has no
    such data; `cohort`, `background`, `ordinary` and `score` belong to the reference.
    `enriched_features` is what the account carries of what its campaign is shown to share.
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
    table = table.append_column("ordinary", pa.array(analysis.ordinary))
    table = table.append_column("score", pa.array(analysis.findings.score))
    groups = [assessed.group for assessed in analysis.assessed]
    carried = carried_features(population.features, groups, readable, population.size)
    return table.append_column(ENRICHED, carried)


def carried_features(
    features: Features, groups: list[Group], readable: Readable, accounts: int
) -> pa.ListArray:
    """Return, per account, the labels of its group's shown features that it carries.

    Null for accounts in no group; an empty list for members that carry none of them.

    Args:
        features: counts per family, without words.
        groups: the groups; no account may be in two.
        readable: texts of feature values.
        accounts: number of accounts.
    """
    home = np.full(accounts, -1, np.int64)
    for number, group in enumerate(groups):
        home[group.members] = number
    marks = [(n, group.rows, k) for n, group in enumerate(groups) for k in shown(group.rows)]
    owner = np.array([number for number, _, _ in marks], np.int64)
    family = np.array([rows.family[k] for _, rows, k in marks], np.int8)
    value = np.array([rows.value[k] for _, rows, k in marks], np.uint64)
    names = [
        label(Family(f), v, readable) for f, v in zip(family.tolist(), value.tolist(), strict=True)
    ]
    found = [np.zeros((2, 0), np.int64)]
    for number in np.unique(family):
        of = np.flatnonzero(family == number)
        counts = features[Family(int(number))]
        account, mark = _carriers(counts, home, owner[of], value[of])
        found.append(np.stack([account, of[mark]]))
    account, mark = np.concatenate(found, axis=1)
    order = np.lexsort((mark, account))
    offsets = np.searchsorted(account[order], np.arange(accounts + 1))
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()),
        pa.array(names, pa.string()).take(pa.array(mark[order])),
        mask=pa.array(home < 0),
    )


def _carriers(
    counts: FamilyCounts,
    home: NDArray[np.int64],
    owner: NDArray[np.int64],
    value: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return accounts and marks, aligned: who carries a value that marks its own group.

    Args:
        counts: who carries which value of one family.
        home: group per account, -1 for none.
        owner: group of each mark.
        value: value of each mark; no group has two marks of one value.
    """
    number, beyond = (np.searchsorted(counts.values, value, side) for side in ("left", "right"))
    known = np.flatnonzero(beyond > number)
    owner, number = owner[known], number[known]
    wanted = np.zeros(counts.values.size, bool)
    wanted[number] = True
    rows = np.flatnonzero((home[counts.account] >= 0) & wanted[counts.number])
    account = counts.account[rows].astype(np.int64)
    # A group and the number of a value, as one key.
    keys = owner * counts.values.size + number
    order = np.argsort(keys)
    carried = home[account] * counts.values.size + counts.number[rows]
    at = np.minimum(np.searchsorted(keys, carried, sorter=order), keys.size - 1)
    marked = keys[order[at]] == carried
    return account[marked], known[order[at[marked]]]


def _verdict(assessed: Assessed, kind: Kind) -> Verdict:
    if kind is Kind.EXTRACTION:
        sure = max(assessed.q_kind, assessed.q_coordination) <= 0.001
        return Verdict.CHALLENGE if sure else Verdict.THROTTLE
    return Verdict.WATCH if kind in {Kind.RELAY, Kind.UNKNOWN} else Verdict.ALLOW


def _nullable(numbers: NDArray[np.float64]) -> pa.Array:
    return pa.array(numbers, pa.float64(), mask=np.isnan(numbers))
