"""From what a source gives to rows in the state: fingerprinted in memory, committed at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect.watch.sources.base import Taken
from stillwatch.detect.watch.state import Read, State
from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.fingerprint import fingerprint_batch
from stillwatch.events.key import Key
from stillwatch.events.lists import NetworkLists
from stillwatch.events.readers.rejects import Reject
from stillwatch.events.schema import TIMESTAMP

LATEST: Final = timedelta(days=1)
"""An event further ahead of the clock is rejected: it would end the window of all others."""


@dataclass(frozen=True)
class Intake:
    """Takes micro-batches up into a state.

    Attributes:
        state: Where they go.
        key: Key of the fingerprints.
        networks: Lists of networks, or None.
        window: Days kept.
    """

    state: State
    key: Key
    networks: NetworkLists | None
    window: int

    def take_up(self, taken: Taken, now: datetime) -> Read:
        """Fingerprint a micro-batch and commit it with the source's positions.

        Args:
            taken: What the source gave.
            now: The present moment.

        Raises:
            InputError: Fingerprints were made with another key.
            StorageError: The disk refused; nothing was taken up.
        """
        if taken.key_ids - {self.key.id}:
            raise InputError(
                "the source holds fingerprints of another key, which never match: name that key "
                "with --key-file, and a new state folder"
            )
        rejects = list(taken.rejects)
        events = [self._timely(batch, now, rejects) for batch in taken.events]
        made = [
            fingerprint_batch(batch, self.key, self.networks) for batch in events if batch.num_rows
        ]
        made += [self._timely(batch, now, rejects) for batch in taken.fingerprints]
        return self.state.append(made, taken.positions, rejects, window=self.window)

    def _timely(
        self, batch: pa.RecordBatch, now: datetime, rejects: list[Reject]
    ) -> pa.RecordBatch:
        ahead = pc.greater(batch.column("time"), pa.scalar(now + LATEST, TIMESTAMP))
        count = pc.sum(ahead).as_py() or 0
        if not count:
            return batch
        rejects += [Reject("", 0, "time", str(Reason.TIME_AHEAD))] * count
        return batch.filter(pc.invert(ahead))
