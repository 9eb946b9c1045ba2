"""Which events are in the state already, told by hashes of their ids."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.events.kernels.hashing import sign_texts
from stillwatch.events.key import Key
from stillwatch.events.texts import text_view

_SUBKEY: Final = Key.public().subkey("event_id")
"""Only tells ids apart in memory; it protects nothing, and is never written down."""

Hashes = NDArray[np.uint64]


def hash_ids(ids: pa.Array) -> Hashes:
    """Return a 64-bit hash of each id; two of a billion ids share one in 36 windows."""
    texts = text_view(ids)
    hashes = np.empty(len(ids), np.uint64)
    sign_texts(texts.data, texts.offsets, _SUBKEY, hashes)
    return hashes


class Seen:
    """Hashes of the ids of all events in the state, by day."""

    def __init__(self) -> None:
        self._days: dict[int, Hashes] = {}

    def fresh(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Return which events are neither in the state nor earlier in the same batch."""
        new = np.zeros(hashes.size, bool)
        new[np.unique(hashes, return_index=True)[1]] = True
        for known in self._days.values():
            at = np.minimum(np.searchsorted(known, hashes), known.size - 1)
            new &= known[at] != hashes
        return new

    def add(self, day: int, hashes: Hashes) -> None:
        """Take up the events of a day."""
        known = self._days.get(day)
        self._days[day] = np.union1d(hashes, known) if known is not None else np.unique(hashes)

    def keep(self, first_day: int) -> None:
        """Forget the days before `first_day`."""
        self._days = {day: known for day, known in self._days.items() if day >= first_day}
