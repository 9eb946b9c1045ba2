"""The truth about accounts, as the signature commands read it."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from stillwatch.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.share.truth import Truth

LABELS: Final = ("benign", "attack")
"""What the column `label` may say."""
_COLUMNS: Final = "account_id, cohort, and label (attack or benign) or campaign (empty if benign)"


def read_labels(path: Path) -> "dict[str, Truth]":
    """Read who is what, one row per account.

    Args:
        path: Parquet, or CSV by its suffix, with `account_id`, `cohort`, and `label` or `campaign`.
            Without labels, who is of a campaign attacks.

    Raises:
        InputError: The file cannot be read, lacks a column or holds another label.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from stillwatch.share.truth import Truth

    try:
        read = _csv(path) if path.suffix == ".csv" else pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet or CSV: give another file") from error
    known = set(read.schema.names)
    missing = [name for name in ("account_id", "cohort") if name not in known]
    if missing or not known & {"label", "campaign"}:
        raise InputError(f"{path} has no column {(*missing, 'label')[0]}: labels need {_COLUMNS}")
    labels, campaigns = _texts(read, "label"), [name or None for name in _texts(read, "campaign")]
    if wrong := sorted({str(label) for label in labels} - {*LABELS, "None"}):
        raise InputError(f"{path} holds the label {wrong[0]!r}: labels are attack or benign")
    attacks = [
        label == "attack" if label is not None else campaign is not None
        for label, campaign in zip(labels, campaigns, strict=True)
    ]
    rows = zip(_texts(read, "account_id"), attacks, _texts(read, "cohort"), campaigns, strict=True)
    return {
        str(account): Truth(attack, str(cohort), campaign)
        for account, attack, cohort, campaign in rows
    }


def _csv(path: Path) -> "pa.Table":
    """Read text as it stands: the account 007 is not 7."""
    import pyarrow as pa
    from pyarrow import csv

    texts = dict.fromkeys(("account_id", "cohort", "label", "campaign"), pa.string())
    options = csv.ConvertOptions(column_types=texts, strings_can_be_null=True, null_values=[""])
    return csv.read_csv(path, convert_options=options)


def _texts(table: "pa.Table", name: str) -> list[str | None]:
    """Return a column as text; nulls where there is none."""
    import pyarrow as pa

    if name not in table.schema.names:
        return [None] * len(table)
    found: list[str | None] = table[name].cast(pa.string()).to_pylist()
    return found
