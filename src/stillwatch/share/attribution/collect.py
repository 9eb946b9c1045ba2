"""Read the traces of a campaign from fingerprints and the accounts table."""

import re
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from ipaddress import ip_network
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect.screening.domains import clean_domain
from stillwatch.share.attribution.trace import (
    OF_EVENTS,
    Carried,
    Ints,
    Pace,
    Trace,
    Traces,
    U64s,
)

Log = Callable[[], Iterable[pa.RecordBatch]]
"""Fingerprints that can be read again."""
Sign = Callable[[str, str], int]
"""A keyed 64-bit hash of a text for a purpose, as `Key.sign`."""

_COLUMNS: Final = {
    Trace.CARD: "payment_hash",
    Trace.DEVICE: "device_hash",
    Trace.MAIL: "email_domain",
    Trace.SIGNUP: "signup_address",
}
_HOUR: Final = 3_600_000_000


def collect(
    rows: pa.Table | None,
    benign: Log | None,
    accounts: pa.Table | None,
    members: Sequence[str],
    suspects: AbstractSet[str],
    *,
    sign: Sign,
    keys: dict[str, str] | None = None,
) -> Traces:
    """Return the traces of a campaign, and how many benign accounts carry each value.

    Args:
        rows: fingerprints of the campaign with the columns `NEEDED`; None where there are none.
        benign: the same of benign accounts, read once; None where there are none.
        accounts: contract 2; None where there is none.
        members: accounts of the campaign.
        suspects: accounts of the table that do not count as benign; members never do.
        sign: hashes what the accounts table holds under the provider's own key.
        keys: names of the keys.
    """
    own = pa.array(sorted(set(members)), pa.string())
    out = pa.array(sorted({*members, *suspects}), pa.string())
    carried: dict[Trace, Carried] = {}
    pace, others = None, 0
    if accounts is not None:
        carried, others = _of_accounts(accounts, own, out, sign)
    if rows is not None and rows.num_rows:
        pairs = {trace: _pairs(rows, columns) for trace, columns in OF_EVENTS.items()}
        met, active = _met({t: p for t, p in pairs.items() if p.num_rows}, benign)
        carried |= {trace: _carried(pairs[trace], found) for trace, found in met.items()}
        others = max(others, active)
        pace = pace_of(rows)
    return Traces(len(own), others, carried, pace, keys or {})


def _met(pairs: dict[Trace, pa.Table], benign: Log | None) -> tuple[dict[Trace, pa.Table], int]:
    """Distinct pairs of benign account and one of the campaign's values; and all such accounts."""
    wanted = {trace: found["value"].unique() for trace, found in pairs.items()}
    parts: dict[Trace, list[pa.Table]] = {t: [found.slice(0, 0)] for t, found in pairs.items()}
    active: set[str] = set()
    for batch in benign() if benign is not None else ():
        table = pa.Table.from_batches([batch])
        active.update(table["account_id"].unique().to_pylist())
        for trace, values in wanted.items():
            parts[trace].append(_pairs(table, OF_EVENTS[trace], values))
    return {trace: _distinct(pa.concat_tables(found)) for trace, found in parts.items()}, len(
        active
    )


def _pairs(rows: pa.Table, columns: Sequence[str], only: pa.Array | None = None) -> pa.Table:
    """Distinct pairs of account and value over some columns; `only` of these values."""
    parts = [_flat(rows, name) for name in columns]
    whole = pa.concat_tables(parts).drop_null()
    return _distinct(whole if only is None else whole.filter(pc.is_in(whole["value"], only)))


def _distinct(pairs: pa.Table) -> pa.Table:
    return pairs.group_by(["account", "value"]).aggregate([])


def _flat(rows: pa.Table, column: str) -> pa.Table:
    """One column as pairs; a list gives a pair for each of its values, 0 being none."""
    values, account = rows[column].combine_chunks(), rows["account_id"].combine_chunks()
    if pa.types.is_fixed_size_list(values.type):
        width = values.type.list_size
        account = account.take(pa.array(np.repeat(np.arange(len(account)), width)))
        values = values.flatten()
        values = pc.if_else(pc.equal(values, 0), None, values)
    return pa.table({"account": account, "value": values.cast(pa.uint64())})


def _carried(own: pa.Table, others: pa.Table) -> Carried:
    """Number the campaign's values and count who else carries them."""
    value = np.asarray(own["value"].combine_chunks(), np.uint64)
    values, number = np.unique(value, return_inverse=True)
    account = own["account"].combine_chunks().dictionary_encode()
    theirs = np.asarray(others["value"].combine_chunks(), np.uint64)
    return Carried(
        np.asarray(account.indices, np.int64),
        np.asarray(number, np.int64),
        values,
        _count(theirs, values),
        len(account.dictionary),
    )


def _count(found: U64s, values: U64s) -> Ints:
    """How often each of the ascending values stands among those found."""
    at = np.minimum(np.searchsorted(values, found), values.size - 1)
    return np.bincount(at[values[at] == found], minlength=values.size)


def _of_accounts(
    accounts: pa.Table, own: pa.Array, out: pa.Array, sign: Sign
) -> tuple[dict[Trace, Carried], int]:
    mine = accounts.filter(pc.is_in(accounts["account_id"], own))
    rest = accounts.filter(pc.invert(pc.is_in(accounts["account_id"], out)))
    found = {}
    for trace, column in _COLUMNS.items():
        value = _cleaned(trace, mine[column])
        pairs = pa.table({"account": mine["account_id"], "value": value}).drop_null()
        if not pairs.num_rows:
            continue
        texts = pairs["value"].combine_chunks().unique()
        signed = np.array([sign(text, f"attribution {column}") for text in texts.to_pylist()])
        numbers = pa.array(signed.astype(np.uint64))

        def keyed(column: pa.Array, texts: pa.Array = texts, to: pa.Array = numbers) -> pa.Array:
            return to.take(pc.index_in(column, texts))

        theirs = pa.table({"value": keyed(_cleaned(trace, rest[column]))}).drop_null()
        found[trace] = _carried(
            pa.table({"account": pairs["account"], "value": keyed(pairs["value"])}), theirs
        )
    return found, rest.num_rows


def _cleaned(trace: Trace, column: pa.ChunkedArray) -> pa.Array:
    """Values as they are compared: own domains only, networks in place of addresses."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    if trace is Trace.MAIL:
        texts = [clean_domain(text) for text in texts]
    elif trace is Trace.SIGNUP:
        texts = [network_of(text) for text in texts]
    return pa.array(texts, pa.string()).take(encoded.indices)


_V4: Final = re.compile(r"((?:\d{1,3}\.){3})\d{1,3}")


def network_of(address: str) -> str | None:
    """The /24 or /48 of an address; None where it is none.

    >>> network_of("192.0.2.77"), network_of("2001:db8:1:2::3"), network_of("nowhere")
    ('192.0.2.0/24', '2001:db8:1::/48', None)
    """
    if (found := _V4.fullmatch(address)) is not None:
        return f"{found[1]}0/24"
    try:
        return str(ip_network(f"{address}/48", strict=False))
    except ValueError:
        return None


def pace_of(rows: pa.Table) -> Pace | None:
    """How a campaign works, from its events; None where no account has two."""
    if rows.num_rows < 2:
        return None
    account = np.asarray(rows["account_id"].combine_chunks().dictionary_encode().indices)
    time = np.asarray(rows["time"].cast(pa.int64()))
    order = np.lexsort((time, account))
    account, time = account[order], time[order]
    same = account[1:] == account[:-1]
    if not same.any():
        return None
    gaps = np.log1p(np.diff(time)[same] / 1e6)
    _, events = np.unique(np.stack([account, time // _HOUR]), axis=1, return_counts=True)
    turn = np.asarray(pc.fill_null(rows["turn"], 1).combine_chunks())
    return Pace(float(np.median(gaps)), float(np.log(events.mean())), float((turn > 1).mean()))
