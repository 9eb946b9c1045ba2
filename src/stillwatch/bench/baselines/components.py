"""Baseline: accounts that share rare features, joined into connected components."""

import numpy as np
import pyarrow as pa
from scipy import sparse

from stillwatch.bench.baselines.carried import Carried, carried
from stillwatch.bench.baselines.joining import Codes, components, flags
from stillwatch.bench.method import Traffic


class Components:
    """Flag connected components of accounts that share rare features of `shared` families.

    Families are template, system prompt, client with request parameters, /24 network, payment and
    device; their values are compared exactly. One carried by more than `most` accounts is popular
    and left out. The score of an account is the size of its component.
    """

    name = "components"

    def __init__(self, shared: int = 3, smallest: int = 10, most: int = 200) -> None:
        self.shared = shared
        self.smallest = smallest
        self.most = most

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        found = carried(traffic, self.most)
        families = [_incidence(found, family) for family in np.unique(found.family)]

        def linked(rows: slice) -> tuple[Codes, Codes]:
            shape = (rows.stop - rows.start, len(found.account))
            shared = sparse.csr_array(shape, dtype=np.int32)
            for family in families:
                common = family[rows] @ family.T
                common.data[:] = 1
                shared = shared + common
            pairs = sparse.coo_array(shared)
            enough = pairs.data >= self.shared
            return pairs.coords[0][enough], pairs.coords[1][enough]

        return flags(found.account, components(linked, len(found.account)), self.smallest)


def _incidence(found: Carried, family: int) -> sparse.csr_array:
    """Which account carries which feature of one family."""
    rows = found.family == family
    return sparse.csr_array(
        (np.ones(int(rows.sum()), dtype=np.int32), (found.code[rows], found.feature[rows])),
        shape=(len(found.account), int(found.feature.max(initial=0)) + 1),
    )
