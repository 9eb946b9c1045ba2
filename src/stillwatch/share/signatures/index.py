"""The signature index: which signatures match an event, among millions, in microseconds.

A state is two immutable arrays: a base image, usually a memory-mapped file, and a small delta image
of what was added since and of what the base no longer counts. An update makes a new delta and puts
it in place at once; a look-up reads one state to its end. So look-ups never wait, and what an
update changed shows in every look-up that begins after it returned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from stillwatch.errors import InputError
from stillwatch.events.kernels.types import Starts, U32s, U64s
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures import index_layout as layout
from stillwatch.share.signatures.index_build import NO_NUMBERS, Builder, Scratch, in_memory
from stillwatch.share.signatures.index_entries import Entries
from stillwatch.share.signatures.index_kernels import (
    MOST_CANDIDATES,
    MOST_HITS,
    exact_event,
    exact_events,
    similar_event,
    similar_events,
)

NOTHING: Final = np.empty((0, 2), np.uint32)
"""The hits of an event that no signature matches."""
_HITS: Final = BANDS * MOST_CANDIDATES
"""Hits of one event that need no second look-up."""
_BATCH_HITS: Final = 1 << 16


class _State(NamedTuple):
    base: U64s
    delta: U64s


@dataclass(frozen=True)
class Changes:
    """What a delta holds: entries, and the numbers whose entries in the base are void."""

    entries: Entries
    dead: U32s

    def then(self, entries: Entries, numbers: U32s) -> "Changes":
        """Return these changes after signatures were replaced or removed."""
        return Changes(
            self.entries.without(numbers).joined(entries), np.union1d(self.dead, numbers)
        )


NO_CHANGES: Final = Changes(Entries(), NO_NUMBERS)


@dataclass(frozen=True)
class Merge:
    """A base and the changes to it, to be written as a new base while both go on being read."""

    base: U64s
    changes: Changes
    key: str

    def write(self, target: BinaryIO, salt: U64s, scratch: Scratch, position: int) -> None:
        """Write the new base; `position` tells how far the caller's updates had come."""
        builder = Builder(self.key, salt, scratch)
        builder.add_image(self.base, self.changes.dead)
        builder.add(self.changes.entries)
        builder.write(target, position)


class SignatureIndex:
    """Signatures by exact values and by MinHash bands; any number of threads may look up.

    Args:
        base: a whole image; the caller has checked it.
    """

    def __init__(self, base: U64s) -> None:
        self._salt = base[layout.AT_SALT : layout.AT_SALT + 2].copy()
        self.key = f"{int(base[layout.AT_KEY]):016x}"
        """Id of the key under which all values were made."""
        self._writing = Lock()
        # Buffers for hits that no look-up uses just now: a list gives and takes at once.
        self._spare: list[U32s] = []
        self._changes = NO_CHANGES
        self._since_merge: Changes | None = None
        self._put(base, NO_CHANGES)
        self._warm_up()

    @classmethod
    def empty(cls, key: str, salt: U64s) -> "SignatureIndex":
        """Return an index without entries, in memory only."""
        return cls(in_memory(Entries(), key, salt))

    @property
    def position(self) -> int:
        """The position that the base was written with: replay later updates after a restart."""
        return int(self._state.base[layout.AT_POSITION])

    @property
    def pending(self) -> int:
        """Entries and removals since the last merge; each look-up and update reads past them."""
        changes = self._changes
        return len(changes.entries.values) + len(changes.entries.bands) + len(changes.dead)

    @property
    def crowded(self) -> int:
        """Bands of the base that more sets share than a look-up examines."""
        return int(self._state.base[layout.AT_CROWDED])

    @property
    def nbytes(self) -> int:
        """Bytes of base and delta."""
        return sum(part.nbytes for part in self._state)

    def exact(self, values: U64s) -> U32s:
        """Return the signatures that one event's values name.

        Args:
            values: uint64, the value of each family in order; 0 where the event has none.

        Returns:
            Rows of signature number and family. Of a value that more than `MOST_HITS` signatures
            carry, that many: those with the lowest numbers.

        Raises:
            InputError: There are more values than families.
        """
        state = self._state
        try:
            buffer = self._spare.pop()
        except IndexError:
            buffer = np.empty((_HITS, 2), np.uint32)
        count = exact_event(*state, values, buffer)
        if count == 0:
            self._spare.append(buffer)
            return NOTHING
        if count < 0:
            raise InputError(f"An event has at most {layout.FAMILIES} values.")
        return self._hits(exact_event, state, values, buffer, count)

    def similar(self, bands: U64s) -> U32s:
        """Return the signatures that share enough bands with one event.

        Args:
            bands: uint64, the eight MinHash bands of the event.

        Returns:
            Rows of signature number and bands shared. Missing are signatures on each of whose
            table bands, of those shared, `MOST_CANDIDATES` others come first.

        Raises:
            InputError: There are not eight bands.
        """
        state = self._state
        try:
            buffer = self._spare.pop()
        except IndexError:
            buffer = np.empty((_HITS, 2), np.uint32)
        count = similar_event(*state, bands, buffer)
        if count == 0:
            self._spare.append(buffer)
            return NOTHING
        if count < 0:
            raise InputError(f"An event has {BANDS} bands.")
        return self._hits(similar_event, state, bands, buffer, count)

    def _hits(
        self, search: Callable[..., int], state: _State, query: U64s, buffer: U32s, count: int
    ) -> U32s:
        """Return the hits that are in a buffer, or look up again if they did not fit."""
        if count <= _HITS:
            hits = buffer[:count].copy()
        else:
            hits = np.empty((count, 2), np.uint32)
            search(*state, query, hits)
        self._spare.append(buffer)
        return hits

    def exact_batch(self, values: U64s) -> tuple[Starts, U32s]:
        """Look up many events at once, without the interpreter's lock.

        Args:
            values: shape (events, families).

        Returns:
            For each hit its event, and rows of number and family.
        """
        if values.ndim != 2 or values.shape[1] > layout.FAMILIES:
            raise InputError(f"Values come as one row of at most {layout.FAMILIES} per event.")
        return _in_chunks(exact_events, self._state, values, values.shape[1] * MOST_HITS)

    def similar_batch(self, bands: U64s) -> tuple[Starts, U32s]:
        """Look up the bands of many events, shape (events, 8); see `exact_batch` and `similar`."""
        if bands.ndim != 2 or bands.shape[1] != BANDS:
            raise InputError(f"Bands come as one row of {BANDS} per event.")
        return _in_chunks(similar_events, self._state, bands, 2 * BANDS * MOST_CANDIDATES)

    def add(self, entries: Entries) -> None:
        """Add signatures; one whose number is known is replaced whole."""
        self._change(entries, entries.all_numbers())

    def remove(self, numbers: U32s) -> None:
        """Remove signatures; unknown numbers do nothing."""
        self._change(Entries(), np.unique(numbers))

    def begin_merge(self) -> Merge:
        """Return what a new base shall hold. Updates go on, and stay in the delta after the merge.

        Raises:
            InputError: A merge is under way.
        """
        with self._writing:
            if self._since_merge is not None:
                raise InputError("A merge of this index is under way; wait until it ends.")
            self._since_merge = NO_CHANGES
            return Merge(self._state.base, self._changes, self.key)

    def finish_merge(self, base: U64s) -> None:
        """Put the new base in place, with what changed since the merge began."""
        with self._writing:
            since, self._since_merge = self._since_merge, None
            self._salt = base[layout.AT_SALT : layout.AT_SALT + 2].copy()
            self._put(base, since or NO_CHANGES)

    def give_up_merge(self) -> None:
        """Forget a merge that failed; nothing is lost."""
        with self._writing:
            self._since_merge = None

    def _change(self, entries: Entries, numbers: U32s) -> None:
        with self._writing:
            if self._since_merge is not None:
                self._since_merge = self._since_merge.then(entries, numbers)
            self._put(self._state.base, self._changes.then(entries, numbers))

    def _put(self, base: U64s, changes: Changes) -> None:
        """Put a whole state in place by one assignment."""
        delta = in_memory(changes.entries, self.key, self._salt, changes.dead)
        self._changes = changes
        self._state = _State(base, delta)

    def _warm_up(self) -> None:
        """Compile before the first event comes."""
        values = np.zeros((1, BANDS), np.uint64)
        self.exact(values[0])
        self.similar(values[0])
        self.exact_batch(values)
        self.similar_batch(values)


def _in_chunks(
    search: Callable[..., tuple[int, int]], state: _State, rows: U64s, most: int
) -> tuple[Starts, U32s]:
    """Search all rows with a buffer of hits that is emptied whenever it may overflow."""
    rows = np.ascontiguousarray(rows, np.uint64)
    events = np.empty(max(min(_BATCH_HITS, len(rows) * most), most), np.int64)
    out = np.empty((len(events), 2), np.uint32)
    which, hits = [events[:0]], [NOTHING]
    at = 0
    while at < len(rows):
        at, found = search(*state, rows, at, events, out)
        which.append(events[:found].copy())
        hits.append(out[:found].copy())
    return np.concatenate(which), np.concatenate(hits)
