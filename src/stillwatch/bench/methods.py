"""The methods that are measured: Stillwatch itself, the baselines, and those of other packages."""

from importlib.metadata import entry_points
from typing import Final

import pyarrow as pa

from stillwatch.bench.baselines.catchsync import CatchSync
from stillwatch.bench.baselines.components import Components
from stillwatch.bench.baselines.fraudar import Fraudar
from stillwatch.bench.baselines.isolation import IsolationForest
from stillwatch.bench.baselines.lsh import Lsh
from stillwatch.bench.baselines.mmd import Mmd, MmdPooled
from stillwatch.bench.baselines.prada import Prada, PradaPooled
from stillwatch.bench.baselines.synchrotrap import SynchroTrap
from stillwatch.bench.baselines.thresholds import Thresholds
from stillwatch.bench.baselines.toolkit import Toolkit
from stillwatch.bench.labels import FLAGS
from stillwatch.bench.method import Method, Traffic
from stillwatch.detect.scan import scan
from stillwatch.errors import ConfigError

ENTRY_POINTS: Final = "stillwatch.methods"
"""Group under which another package registers a `Method` class that takes no arguments."""


class Stillwatch:
    """`stillwatch scan` with its default settings."""

    name = "stillwatch"

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        result = scan([traffic.fingerprints], traffic.accounts)
        found = {campaign.campaign_id: campaign for campaign in result.campaigns}
        ids = result.accounts["campaign_id"].to_pylist()
        campaigns = [None if name is None else found[name] for name in ids]
        return pa.table(
            {
                "account_id": result.accounts["account_id"],
                "campaign_id": ids,
                "kind": [c and c.kind.value for c in campaigns],
                "score": result.accounts["risk"],
                "p_value": result.accounts["p_value"],
                "q_coordination": [c and c.q_coordination for c in campaigns],
                "q_kind": [c and c.q_kind for c in campaigns],
            },
            schema=FLAGS,
        )


BUILT_IN: Final[tuple[type[Method], ...]] = (
    Stillwatch,
    Thresholds,
    Components,
    Lsh,
    SynchroTrap,
    Fraudar,
    CatchSync,
    IsolationForest,
    Prada,
    PradaPooled,
    Mmd,
    MmdPooled,
    Toolkit,
)


def known_methods() -> dict[str, Method]:
    """All methods by name, the built-in ones first.

    Raises:
        ConfigError: Another package registers a name that is taken.
    """
    found = [made() for made in BUILT_IN]
    found += [entry.load()() for entry in entry_points(group=ENTRY_POINTS)]
    known: dict[str, Method] = {}
    for method in found:
        if method.name in known:
            raise ConfigError(f"Two methods are called {method.name!r}; uninstall one of them.")
        known[method.name] = method
    return known
