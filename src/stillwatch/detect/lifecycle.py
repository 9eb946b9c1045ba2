"""Features that come from accounts and moments rather than from single events.

Strings of the accounts table become 64-bit values here; they never leave the scan.
"""

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.detect.features import Family, FamilyCounts, Features
from stillwatch.detect.population import ModelUse

SLOT_SECONDS = 6 * 3600
"""Width of the moments in which accounts sign up, start and stop."""
DAY_SECONDS = 24 * 3600

ACCOUNT_FAMILIES: dict[Family, str] = {
    Family.PAYMENT: "payment_hash",
    Family.DEVICE: "device_hash",
    Family.EMAIL_DOMAIN: "email_domain",
    Family.ORGANISATION: "org_id",
    Family.SIGNUP_NETWORK: "signup_address",
}


def account_features(accounts: pa.Table) -> Features:
    """Return the identity families of an aligned accounts table (row i is account code i)."""
    found: Features = {}
    for family, column in ACCOUNT_FAMILIES.items():
        codes, strings = _dictionary(accounts[column])
        if family is Family.SIGNUP_NETWORK:
            strings = [_network(text) for text in strings]
        values = np.array([_hash64(text) for text in strings], np.uint64)
        found[family] = _once(
            np.flatnonzero(codes >= 0), values[codes[codes >= 0]] if values.size else values
        )
    return found


def moment_features(
    first_seen: NDArray[np.float64], last_seen: NDArray[np.float64], signup: NDArray[np.float64]
) -> Features:
    """Return the slots in which accounts signed up, were first seen and last seen.

    Args:
        first_seen: seconds since 1970 per account.
        last_seen: the same.
        signup: the same, NaN where unknown.
    """
    begin, end = float(first_seen.min()), float(last_seen.max())
    # Whoever is active daily is first and last seen within a day of the log's ends: no moment.
    late = first_seen > begin + DAY_SECONDS
    early = last_seen < end - DAY_SECONDS
    return {
        Family.SIGNUP_TIME: _slots(signup, np.isfinite(signup)),
        Family.FIRST_SEEN: _slots(first_seen, late),
        Family.LAST_SEEN: _slots(last_seen, early),
    }


def model_moves(models: ModelUse, first_seen: NDArray[np.float64]) -> FamilyCounts:
    """Return per account the slots in which it began to use a model after it had used another."""
    since = models.since / 1e6
    moved = since > first_seen[models.account] + SLOT_SECONDS
    slot = (since[moved] // SLOT_SECONDS).astype(np.uint64)
    value = slot * np.uint64(1024) + (models.model[moved] % 1024).astype(np.uint64)
    return _sorted(models.account[moved], value)


def _slots(seconds: NDArray[np.float64], known: NDArray[np.bool_]) -> FamilyCounts:
    return _once(np.flatnonzero(known), (seconds[known] // SLOT_SECONDS).astype(np.uint64))


def _once(account: NDArray[np.int64], value: NDArray[np.uint64]) -> FamilyCounts:
    one = np.ones(account.size, np.int32)
    return FamilyCounts.of(account.astype(np.int32), value, one, one * 0)


def _sorted(account: NDArray[np.int32], value: NDArray[np.uint64]) -> FamilyCounts:
    order = np.lexsort((value, account))
    account, value = account[order], value[order]
    repeat = np.zeros(account.size, bool)
    repeat[1:] = (account[1:] == account[:-1]) & (value[1:] == value[:-1])
    return _once(account[~repeat].astype(np.int64), value[~repeat])


def _dictionary(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    encoded = column.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, list(encoded.dictionary.to_pylist())


def _network(address: str) -> str:
    """Return the /24 of an IPv4 address or the /48 of an IPv6 address, as text."""
    if ":" in address:
        return ":".join(address.split(":")[:3])
    return address.rpartition(".")[0]


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
