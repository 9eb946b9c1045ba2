"""What a method must offer to be measured, and the methods that are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from stillwatch.bench.labels import Names


@dataclass(frozen=True)
class Traffic:
    """One simulated run on disk.

    Attributes:
        events: Events file or folder (contract 1).
        accounts: Accounts file (contract 2).
        fingerprints: The same events as fingerprints (contract 1b).
        benign: Ids of the benign accounts. A method under test must not look; a baseline may, to be
            given the best threshold there is.
        scratch: An empty folder that the method may fill.
    """

    events: Path
    accounts: Path
    fingerprints: Path
    benign: Names
    scratch: Path


class Method(Protocol):
    """Something that flags accounts."""

    @property
    def name(self) -> str:
        """Short name, as it stands in the tables."""

    def flag(self, traffic: Traffic) -> pa.Table:
        """Return one row per account with the columns of `labels.FLAGS`."""
