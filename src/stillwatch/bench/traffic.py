"""Simulated traffic on disk, as events and as fingerprints, with its labels."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.bench.database import database
from stillwatch.bench.suite import Case
from stillwatch.errors import InputError
from stillwatch.events.fingerprint import fingerprint_stream
from stillwatch.events.key import Key
from stillwatch.events.readers.log import open_log
from stillwatch.events.readers.rejects import Rejects
from stillwatch.events.schema import FINGERPRINTS
from stillwatch.simulate import simulate, write_traffic


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
    traffic = simulate(case.scenario, scale=case.scale, seed=seed, prompts=prompts)
    made = Simulated(folder, write_traffic(traffic, folder))
    _keep_active(made)
    fingerprint(made.events_path, made.fingerprints_path)
    return made


def _keep_active(made: Simulated) -> None:
    """Drop labels of accounts that sent nothing: nobody can find, or wrongly accuse, those."""
    labels = made.read_labels()
    active = pq.read_table(made.events_path, columns=["account_id"])["account_id"].unique()
    kept = labels.filter(pc.is_in(labels["account_id"], active))
    pq.write_table(kept, made.folder / "labels.parquet")


def share_of(made: Simulated, share: float, folder: Path) -> Simulated:
    """Write the traffic of a share of the accounts, drawn by a hash of their ids.

    Args:
        made: The whole traffic.
        share: Share of the accounts to keep, 0..1.
        folder: Where events and accounts go; labels and fingerprints do not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = Simulated(folder, 0)
    with database() as db:
        for source, out in (
            (made.events_path, part.events_path),
            (made.accounts_path, part.accounts_path),
        ):
            db.sql(
                "SELECT * FROM read_parquet(?) WHERE hash(account_id) % 100000 < ?",
                params=[str(source), round(share * 100_000)],
            ).write_parquet(str(out), compression="zstd")
    return Simulated(folder, pq.read_metadata(part.events_path).num_rows)


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
