"""From fingerprints on disk to the population."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.detect import lifecycle
from stillwatch.detect.engines.engine import Aggregates
from stillwatch.detect.features import Family
from stillwatch.detect.population import Population
from stillwatch.detect.progress import Progress
from stillwatch.events import schema

Disposable = Callable[[pa.ChunkedArray], pa.BooleanArray]


def gather(
    aggregates: Aggregates,
    accounts: pa.Table | None,
    disposable: Disposable | None,
    progress: Progress,
) -> Population:
    """Aggregate fingerprints into a population.

    Args:
        aggregates: of the fingerprints.
        accounts: the accounts contract, in any order, or None.
        disposable: tells which mail domains are disposable, or None without a list.
        progress: advanced by one per aggregate.
    """
    progress.start("profiles", None)
    profiles = aggregates.profiles().combine_chunks()  # thousands of groups take rows of it
    aligned = None if accounts is None else align(accounts, profiles["account_id"])
    pace = aggregates.pace()
    progress.finish()
    progress.start("features", None)
    features = aggregates.features()
    first = _seconds(profiles["first_seen"])
    last = _seconds(profiles["last_seen"])
    models = aggregates.models()
    population = Population(
        profiles=profiles,
        pace=pace,
        features=features,
        sketches=aggregates.sketches(),
        hourly=aggregates.hourly(),
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
