"""From measures to p-values: every signal against the background accounts of one's own cohort.

The null hypothesis of each p-value: the account is exchangeable with the background accounts of its
cohort (about as many events, same main script). Ranks give conformal p-values, whatever the
distribution of a measure (Vovk, Gammerman and Shafer 2005; Bates et al. 2023).

Background accounts come from the traffic at hand, where each is ranked among the others (leave one
out), or from a reference: earlier traffic with judgements.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.detect import profiles, wording
from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.results import SignalStatus
from stillwatch.detect.signals.base import Signal
from stillwatch.errors import InputError
from stillwatch.stats.arrays import BoolArray, FloatArray, IntArray
from stillwatch.stats.calibration import build_reference
from stillwatch.stats.pvalues import conformal_p, simes

COHORT_MINIMUM: Final = 500
"""Background accounts that a cohort needs for a null of its own.

A smaller one shares the null of all scripts with as many events, or, failing that, the pooled one.
"""

SCRIPT_CODES: Final = 16
"""Cohort codes are this times a bucket of events, plus a script."""

_COHORT = "cohort"


@dataclass(frozen=True)
class Reference:
    """What ordinary accounts of earlier traffic measured; it names no account.

    Attributes:
        cohort: cohort code of each background account.
        measures: per signal one measure of each background account, NaN where it had none.
        combined: the combined score of each ordinary account, higher is more unusual.
    """

    cohort: IntArray
    measures: Mapping[str, FloatArray]
    combined: FloatArray

    @classmethod
    def from_table(cls, table: pa.Table, combined: FloatArray) -> "Reference":
        """Read a table of `cohort` and a column of measures per signal.

        Args:
            table: a row per background account.
            combined: the combined score of each ordinary account.

        Raises:
            InputError: the table has no `cohort` column.
        """
        if _COHORT not in table.column_names:
            raise InputError(
                f"The reference has no column {_COHORT!r}; "
                "write it again with `stillwatch scan` of judged traffic."
            )
        columns = {
            name: table[name].combine_chunks().to_numpy(zero_copy_only=False)
            for name in table.column_names
        }
        cohort = columns.pop(_COHORT).astype(np.int64)
        return cls(cohort=cohort, combined=combined, measures=columns)


@dataclass(frozen=True)
class Findings:
    """Calibrated results of all signals; arrays are aligned with account codes.

    Attributes:
        signals: those that took part, in the order given.
        statuses: every signal given, on or off with the reason.
        measures: per signal, higher is more unusual, NaN where the account has no such data.
        p_values: per signal in 0..1, smaller is more unusual, NaN where the measure is.
        typical: per signal the median of the background.
        score: combined score, higher is more unusual; what `p_value` ranks.
        p_value: combined p-value per account.
        accounts: number of background accounts that p-values were ranked among.
        smallest_p: the smallest combined p-value that this background can give.
    """

    signals: tuple[Signal, ...]
    statuses: tuple[SignalStatus, ...]
    measures: Mapping[str, FloatArray]
    p_values: Mapping[str, FloatArray]
    typical: Mapping[str, float]
    score: FloatArray
    p_value: FloatArray
    accounts: int
    smallest_p: float

    def reasons(self, account: int, *, most: int = 4, at_most: float = 0.01) -> list[str]:
        """Return what is unusual about one account, most unusual first.

        Args:
            account: account code.
            most: how many reasons at most.
            at_most: p-value above which a signal gives no reason.
        """
        found = [
            (float(self.p_values[signal.name][account]), order, signal)
            for order, signal in enumerate(self.signals)
            if self.p_values[signal.name][account] <= at_most
        ]
        return [
            f"{self._explain(signal, account)}, p {wording.probability(p)}"
            for p, _, signal in sorted(found, key=lambda item: item[:2])[:most]
        ]

    def _explain(self, signal: Signal, account: int) -> str:
        return signal.explain(float(self.measures[signal.name][account]), self.typical[signal.name])

    def reference(self, background: BoolArray, ordinary: BoolArray, cohort: IntArray) -> Reference:
        """Return these accounts as a reference for later scans."""
        return Reference(
            cohort=np.asarray(cohort[background], np.int64),
            measures={name: values[background] for name, values in self.measures.items()},
            combined=self.score[ordinary],
        )

    def ranked_among(self, ordinary: BoolArray) -> "Findings":
        """Return findings whose combined p-values are ranks among some of these accounts.

        Members of benign clusters are no background for a signal, since they share what it
        measures, but they are ordinary: without them an account's p-value would be too small.
        """
        null = self.score[ordinary]
        smallest = 1 / (null.size + 1)
        p_value = conformal_p(self.score, null)
        p_value[ordinary] = _leave_one_out(p_value[ordinary], smallest)
        return replace(self, p_value=p_value, accounts=int(null.size), smallest_p=smallest)


def cohorts(population: Population) -> IntArray:
    """Return a cohort code per account: number of events in powers of four, and main script.

    The code is `SCRIPT_CODES` times the power plus the script; it means the same in every scan.
    """
    events = profiles.values(population.profiles, "events")
    power = np.floor(np.log2(np.maximum(events, 1)) / 2).astype(np.int64)
    return np.asarray(SCRIPT_CODES * power + profiles.main_script(population.profiles), np.int64)


def calibrate(
    signals: Sequence[Signal],
    population: Population,
    background: BoolArray,
    cohort: IntArray,
    *,
    reference: Reference | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Findings:
    """Measure every signal and rank each account against the background.

    Args:
        signals: what to measure.
        population: all accounts.
        background: which accounts are taken for ordinary, shape (accounts,).
        cohort: cohort code per account, as from `cohorts`.
        reference: earlier background accounts to rank against instead of these.
        progress: called with the name of each signal before it is measured.

    Returns:
        Findings. A signal whose data the log lacks, or that the reference does not know, is off.
    """
    statuses = tuple(_status(signal, population, reference) for signal in signals)
    on = tuple(signal for signal, status in zip(signals, statuses, strict=True) if status.on)
    measured: dict[str, FloatArray] = {}
    p_values: dict[str, FloatArray] = {}
    typical: dict[str, float] = {}
    for signal in on:
        progress(signal.name)
        values = signal.measure(population)
        null, null_cohort = values[background], cohort[background]
        if reference is not None:
            null, null_cohort = reference.measures[signal.name], reference.cohort
        one_out = background if reference is None else np.zeros_like(background)
        measured[signal.name] = values
        p_values[signal.name] = _ranks(values, cohort, null, null_cohort, one_out)
        typical[signal.name] = float(np.nanmedian(null)) if (~np.isnan(null)).any() else np.nan
    score = combined_score({signal.name: signal.line for signal in on}, p_values, population.size)
    same = reference is not None and set(reference.measures) == set(measured)
    null = reference.combined if reference is not None and same else score[background]
    found = Findings(
        signals=on,
        statuses=statuses,
        measures=measured,
        p_values=p_values,
        typical=typical,
        score=score,
        p_value=conformal_p(score, null),
        accounts=int(null.size),
        smallest_p=1 / (null.size + 1),
    )
    return found if same else found.ranked_among(background)


def combined_score(
    lines: Mapping[str, Line], p_values: Mapping[str, FloatArray], accounts: int
) -> FloatArray:
    """Return one score per account from the p-values of its signals; higher is more unusual.

    Within a line of evidence Simes' rule; over lines the mean of half-Cauchy quantiles, that is
    cot(pi p / 2), which follows the most unusual lines and is 0 at p = 1. The score is no p-value
    itself; its rank among background accounts is one under any dependence of signals and lines. A
    signal that an account has no data for counts as p = 1.

    Args:
        lines: the line of each signal.
        p_values: p-values of each signal, NaN where the account has no data.
        accounts: number of accounts.
    """
    merged = []
    for line in Line:
        of_line = [p_values[name] for name in lines if lines[name] is line]
        if of_line:
            merged.append(simes(np.nan_to_num(np.column_stack(of_line), nan=1.0)))
    if not merged:
        return np.zeros(accounts)
    return np.asarray(np.mean(1 / np.tan(np.pi / 2 * np.column_stack(merged)), axis=1))


def _status(signal: Signal, population: Population, reference: Reference | None) -> SignalStatus:
    why = signal.unavailable(population)
    if why is None and reference is not None and signal.name not in reference.measures:
        why = "the reference does not know this signal"
    return SignalStatus(signal.name, on=why is None, why=why or "")


def _ranks(
    values: FloatArray,
    cohort: IntArray,
    null: FloatArray,
    null_cohort: IntArray,
    one_out: BoolArray,
) -> FloatArray:
    """Conformal p-values within cohorts; accounts of `one_out` are part of the null."""
    wide = build_reference(null, null_cohort // SCRIPT_CODES, minimum=COHORT_MINIMUM)
    narrow = build_reference(null, null_cohort, minimum=COHORT_MINIMUM)
    own = np.isin(cohort, list(narrow.cohorts))
    p = wide.p_value(values, cohort // SCRIPT_CODES)
    p[own] = narrow.p_value(values[own], cohort[own])
    smallest = wide.smallest_p(cohort // SCRIPT_CODES)
    smallest[own] = narrow.smallest_p(cohort[own])
    unknown = np.isnan(values)
    ranked = one_out & ~unknown
    p[ranked] = _leave_one_out(p[ranked], smallest[ranked])
    p[unknown] = np.nan
    return p


def _leave_one_out(p: FloatArray, smallest: FloatArray | float) -> FloatArray:
    """Take a member out of its own null.

    With r of n reference values at least as large, itself among them, (1 + r) / (n + 1) becomes
    r / n: its rank among the n - 1 others.
    """
    return np.asarray((p - smallest) / (1 - smallest))
