"""What is true of simulated accounts, and what a method said of them, row for row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.stats.arrays import BoolArray, FloatArray

Names = npt.NDArray[np.object_]

ATTACK_KINDS: Final = ("extraction", "relay")
"""Kinds that a label can give to an attacking campaign."""

LABELS: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("cohort", pa.string(), nullable=False),
        ("group", pa.string()),
        ("campaign", pa.string()),
        ("kind", pa.string()),
        pa.field("language", pa.string(), nullable=False),
        pa.field("region", pa.string(), nullable=False),
    ]
)
"""Labels, one row per account. `campaign` is null for a benign account; `group` names the company,
app or class of a benign account that does not stand alone; `kind` is what the campaign or the group
should be called."""

FLAGS: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        ("campaign_id", pa.string()),
        ("kind", pa.string()),
        pa.field("score", pa.float64(), nullable=False),
        ("p_value", pa.float64()),
        ("q_coordination", pa.float64()),
        ("q_kind", pa.float64()),
    ]
)
"""What a method returns: the campaign it puts an account in, the kind of that campaign, its
suspicion of the account on any scale (higher is worse), its p-value if it claims one, and the
campaign's q-values if it claims any. A method that names no kinds says `extraction` of all it
flags."""


def flag_table(
    account: Sequence[str] | Names, campaign: Sequence[str | None], score: FloatArray
) -> pa.Table:
    """Return the flags of a method that names no kinds and claims no p-values.

    Args:
        account: Account ids.
        campaign: The campaign of each, None where it is in none.
        score: Suspicion of each, higher is worse.
    """
    columns = {
        "account_id": account,
        "campaign_id": campaign,
        "kind": [None if name is None else "extraction" for name in campaign],
        "score": score,
    }
    columns |= {
        name: pa.nulls(len(account), pa.float64())
        for name in ("p_value", "q_coordination", "q_kind")
    }
    return pa.table(columns, schema=FLAGS)


@dataclass(frozen=True)
class Labels:
    """The truth about each account, shape (accounts,) throughout; "" where there is none.

    Attributes:
        account: Account ids, ascending.
        cohort: Sort of traffic, such as a popular app.
        group: Company, app or class of a benign account.
        campaign: Attacking campaign.
        kind: What the campaign or group should be called.
        language: Main language of the prompts.
        region: Region the account signed up from.
    """

    account: Names
    cohort: Names
    group: Names
    campaign: Names
    kind: Names
    language: Names
    region: Names

    @property
    def attack(self) -> BoolArray:
        """Which accounts belong to an attacking campaign."""
        return np.asarray(self.campaign != "", dtype=np.bool_)

    @property
    def unit(self) -> Names:
        """What stands or falls together: the campaign, else the group, else the account itself."""
        grouped = np.where(self.group != "", self.cohort + "/" + self.group, self.account)
        return np.asarray(np.where(self.attack, self.campaign, grouped), dtype=np.object_)


@dataclass(frozen=True)
class Detection:
    """What a method says of each account of `Labels`, in the same order.

    Attributes:
        campaign: Id of the campaign; "" for none.
        kind: Kind of that campaign; "" for none.
        score: Suspicion; higher is worse.
        p_value: NaN where the method claims none.
        q_coordination: Of the campaign; NaN likewise, and for none.
        q_kind: Of the campaign; NaN likewise, and for none.
    """

    campaign: Names
    kind: Names
    score: FloatArray
    p_value: FloatArray
    q_coordination: FloatArray
    q_kind: FloatArray


def labels_from(table: pa.Table) -> Labels:
    """Read a label table.

    Args:
        table: Columns as in `LABELS`, in any order; more are ignored.

    Raises:
        InputError: A column is missing, an account appears twice, or an attacking campaign has a
            kind that is none of `ATTACK_KINDS`.
    """
    for name in LABELS.names:
        if name not in table.column_names:
            raise InputError(f"The labels lack the column {name!r}; simulate the traffic again.")
    rows = table.select(LABELS.names).sort_by("account_id")
    labels = Labels(*(_names(rows[name].to_pylist()) for name in LABELS.names))
    if np.unique(labels.account).size != labels.account.size:
        raise InputError("The labels name an account twice; simulate the traffic again.")
    if unknown := sorted(set(labels.kind[labels.attack]) - set(ATTACK_KINDS)):
        raise InputError(
            f"A campaign has the kind {unknown[0]!r}; use one of {', '.join(ATTACK_KINDS)}."
        )
    return labels


def detection_for(labels: Labels, flags: pa.Table) -> Detection:
    """Put a method's rows into the order of the labels; accounts it left out get nothing.

    Args:
        labels: The truth.
        flags: Columns of `FLAGS`, one row per account.

    Raises:
        InputError: The method names an account that has no label.
    """
    size = labels.account.size
    found = _names(flags["account_id"].to_pylist())
    at = np.minimum(np.searchsorted(labels.account, found), size - 1)
    if unlabelled := found[labels.account[at] != found].tolist():
        raise InputError(
            f"Account {unlabelled[0]!r} has no label: these are labels of other traffic."
        )

    def names(column: str) -> Names:
        values = _names([""] * size)
        values[at] = _names(flags[column].to_pylist())
        return values

    def numbers(column: str, otherwise: float) -> FloatArray:
        values = np.full(size, otherwise)
        values[at] = flags[column].cast(pa.float64()).fill_null(otherwise).to_numpy()
        return values

    missing = float("nan")
    return Detection(
        campaign=names("campaign_id"),
        kind=names("kind"),
        score=numbers("score", 0.0),
        p_value=numbers("p_value", missing),
        q_coordination=numbers("q_coordination", missing),
        q_kind=numbers("q_kind", missing),
    )


def _names(values: Sequence[str | None]) -> Names:
    array = np.empty(len(values), dtype=np.object_)
    array[:] = ["" if value is None else value for value in values]
    return array
