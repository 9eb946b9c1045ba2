"""From what a member counted to the factor that it publishes.

The null hypothesis of a factor: *in this member's traffic of the window, accounts of the candidate
cluster carry the feature no more often than accounts of the benign reference*. It is a claim about
carrying, not about guilt. It is the right one only where

- the feature took no part in forming the cluster, and was committed to before the traffic came;
- accounts are exchangeable: of a household or a company with one device, one account is counted;
- the reference is of the same time, so that a fashion among users is in both.
"""

from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.errors import InputError
from stillwatch.share.blind.messages import Tag
from stillwatch.share.pooling.commitment import Proof
from stillwatch.share.pooling.rules import Rules, power_below
from stillwatch.stats.arrays import FloatArray
from stillwatch.stats.evalues import enrichment_e


class Finding(msgspec.Struct, frozen=True):
    """What a member counted for one feature; it stays with the member.

    Attributes:
        carriers: Accounts of the candidate cluster that carry the feature.
        accounts: Accounts of the candidate cluster.
        reference_carriers: Accounts of the benign reference that carry it.
        reference_accounts: Accounts of the benign reference; none is in the cluster.
        first: First day on which the cluster showed it, UTC.
        last: Last such day.

    Raises:
        InputError: More carry the feature than there are, there is no account to compare, or the
            last day is before the first.
    """

    carriers: int
    accounts: int
    reference_carriers: int
    reference_accounts: int
    first: date
    last: date

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        for carriers, accounts, where in (
            (self.carriers, self.accounts, "cluster"),
            (self.reference_carriers, self.reference_accounts, "reference"),
        ):
            if not 0 <= carriers <= accounts or accounts == 0:
                raise InputError(
                    f"{carriers} of {accounts} accounts of the {where} cannot carry a feature: "
                    "count accounts, each once."
                )
        if self.last < self.first:
            raise InputError("A feature was last seen before it was first seen: mend the days.")


class Contribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member publishes of one tag.

    Attributes:
        tag: From `pooling_tag`.
        factor: A bounded e-value: the floor of the rules, or a power of two from 1 to their cap.
        accounts: Accounts of the cluster that carry it, down to a power of two.
        first: First day on which they did, UTC.
        last: Last such day.
        proof: That the member committed to the tag.
    """

    tag: Tag
    factor: float
    accounts: int
    first: date
    last: date
    proof: Proof


def factor(finding: Finding, rules: Rules) -> float:
    """The bounded e-value of a finding.

    With e the e-value of `enrichment_e` and f the floor it is f + (1 - f) e, which has a mean of at
    most 1 where e has, then at most the cap, then down to a power of two or to the floor, which
    only lowers it. So it is never below the floor, and an absent one may count as the floor.

    >>> day = date(2026, 11, 2)
    >>> factor(Finding(8, 40, 50, 1000, day, day), Rules())
    64.0
    """
    raw = enrichment_e(
        finding.carriers,
        finding.accounts,
        finding.reference_carriers,
        finding.reference_accounts,
    )
    return float(bounded(raw, rules))


def bounded(e: npt.ArrayLike, rules: Rules) -> FloatArray:
    """Factors that the rules allow, from e-values of any shape; see `factor`."""
    lifted = np.minimum(rules.floor + (1 - rules.floor) * np.asarray(e, np.float64), rules.cap)
    powers = np.ldexp(1.0, np.frexp(lifted)[1] - 1)
    return np.asarray(np.where(lifted >= 1, powers, rules.floor))


def contribution(finding: Finding, tag: bytes, proof: Proof, rules: Rules) -> Contribution | None:
    """What a member publishes of a finding, if anything.

    Args:
        finding: What was counted.
        tag: From `pooling_tag`.
        proof: Of `Committed.proofs`.
        rules: Of the window.

    Returns:
        None where fewer accounts carry the feature than the rules ask for: the factor then counts
        as the floor.
    """
    if finding.carriers < rules.fewest:
        return None
    return Contribution(
        tag=tag,
        factor=factor(finding, rules),
        accounts=power_below(finding.carriers),
        first=finding.first,
        last=finding.last,
        proof=proof,
    )
