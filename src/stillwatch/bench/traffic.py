"""Simulated traffic on disk, as events and as fingerprints, with its labels."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.bench.suite import Case
from stillwatch.errors import InputError
from stillwatch.events.fingerprint import fingerprint_stream
from stillwatch.events.key import Key
from stillwatch.events.readers.log import open_log
from stillwatch.events.readers.rejects import Rejects
from stillwatch.events.schema import FINGERPRINTS


@dataclass(frozen=True)
class Simulated:
    """One simulated run: a folder, and how many events it holds."""

    folder: Path
    events: int

    @property
    def events_path(self) -> Path:
        """Events (contract 1)."""
        return self.folder / "events.parquet"

    @property
    def accounts_path(self) -> Path:
        """Accounts (contract 2)."""
        return self.folder / "accounts.parquet"

    @property
    def fingerprints_path(self) -> Path:
        """The same events as fingerprints (contract 1b)."""
        return self.folder / "fingerprints.parquet"

    def read_labels(self) -> pa.Table:
        """What is true of each account; see `labels.labels_from`."""
        return pq.read_table(self.folder / "labels.parquet")


def simulated(case: Case, seed: int, prompts: Path | None, folder: Path) -> Simulated:
    """Simulate a case into a folder and fingerprint it."""
    from stillwatch.simulate import simulate  # noqa: PLC0415 - not needed to measure other traffic

    simulate(case.scenario, case.scale, seed=seed, prompts=prompts, out=folder)
    made = Simulated(folder, pq.read_metadata(folder / "events.parquet").num_rows)
    fingerprint(made.events_path, made.fingerprints_path)
    return made


def fingerprint(events: Path, out: Path) -> None:
    """Write the fingerprints of events, with the public key: simulated prompts are no secret.

    Raises:
        InputError: A row cannot be read.
    """
    with (
        Rejects(out.with_suffix(".rejected.jsonl")) as rejects,
        pq.ParquetWriter(out, FINGERPRINTS, compression="zstd") as writer,
    ):
        for batch in fingerprint_stream(open_log([events], rejects=rejects), Key.public()):
            writer.write_batch(batch)
        if rejects.total:
            raise InputError(f"{rejects.total} rows of {events} cannot be read; simulate it again.")
