"""From fingerprints on disk to the population."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.detect import lifecycle
from stillwatch.detect.features import Family, Features
from stillwatch.detect.population import Hourly, ModelUse, Population, Sketches
from stillwatch.detect.progress import Progress
from stillwatch.events import schema

Disposable = Callable[[pa.ChunkedArray], pa.BooleanArray]


class Aggregates(Protocol):
    """What aggregates fingerprints, each table by account code: an engine, or merged partials."""

    def profiles(self) -> pa.Table:
        """Return one profile per account, sorted by account code."""

    def features(self) -> Features:
        """Return the counts of every family that fingerprints carry."""

    def pace(self) -> pa.Table:
        """Return `PACE_COLUMNS` per account."""

    def sketches(self) -> Sketches:
        """Return every account's kept word hashes."""

    def hourly(self) -> Hourly:
        """Return events per account and clock hour."""

    def models(self) -> ModelUse:
        """Return what each account asked of each model."""


def gather(
    engine: Aggregates,
    accounts: pa.Table | None,
    disposable: Disposable | None,
    progress: Progress,
) -> Population:
    """Aggregate fingerprints into a population.

    Args:
        engine: over the fingerprints.
        accounts: the accounts contract, in any order, or None.
        disposable: tells which mail domains are disposable, or None without a list.
        progress: advanced by one per aggregate.
    """
    progress.start("profiles", None)
    profiles = engine.profiles()
    aligned = None if accounts is None else align(accounts, profiles["account_id"])
    pace = engine.pace()
    progress.finish()
    progress.start("features", None)
    features = engine.features()
    first = _seconds(profiles["first_seen"])
    last = _seconds(profiles["last_seen"])
    models = engine.models()
    population = Population(
        profiles=profiles,
        pace=pace,
        features=features,
        sketches=engine.sketches(),
        hourly=engine.hourly(),
        models=models,
        accounts=aligned,
        disposable=_disposable(aligned, disposable),
        first_seen=datetime.fromtimestamp(float(first.min()), UTC),
        last_seen=datetime.fromtimestamp(float(last.max()), UTC),
    )
    if aligned is not None:
        features |= lifecycle.account_features(aligned)
    features |= lifecycle.moment_features(first, last, population.signup_seconds())
    features[Family.MODEL_MOVE] = lifecycle.model_moves(models, first)
    progress.finish()
    return population


def align(accounts: pa.Table, account_ids: pa.ChunkedArray) -> pa.Table:
    """Return accounts in the order of `account_ids`, with nulls for those not listed."""
    unique = accounts.group_by("account_id", use_threads=False).aggregate(
        [(name, "first") for name in schema.ACCOUNTS.names if name != "account_id"]
    )
    unique = unique.rename_columns([name.removesuffix("_first") for name in unique.column_names])
    rows = pc.index_in(account_ids, unique["account_id"].combine_chunks())
    found = unique.take(rows)
    columns = {name: found[name] for name in schema.ACCOUNTS.names}
    columns["account_id"] = account_ids
    return pa.table(columns)


def _disposable(
    accounts: pa.Table | None, disposable: Disposable | None
) -> NDArray[np.bool_] | None:
    if accounts is None or disposable is None:
        return None
    return np.asarray(disposable(accounts["email_domain"]).fill_null(False))


def _seconds(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.int64()).to_numpy(), np.float64) / 1e6
