"""Merging: from the factors of a window to what is evident to each member.

For a member i and a tag that it published, take the factors of all other members, absent ones as
the floor, leave out the `liars` largest, and merge the rest: by their mean, or by their product
where independence was declared. Then run e-BH over all tags that i committed to. Why it holds:

- An absent factor counts as the floor, which no factor is below. So it does not matter why a
  member is silent, and what is merged has a mean of at most 1 where nobody else sees the feature.
- What remains without the b largest is at most what remains without any b members, so without b
  that lie. They cannot raise it above what honest members said.
- Nothing of i's own enters but which tags it published, so it cannot learn by claiming.
- Too few contributors make the evidence 0 before e-BH, not after: discoveries that are struck out
  after it would leave a list without its rate.
"""

import numpy as np

from stillwatch.share.pooling.rules import Rules
from stillwatch.stats.arrays import BoolArray, FloatArray, IntArray
from stillwatch.stats.evalues import e_to_q, merge_mean, merge_product


def supporters(factors: FloatArray) -> IntArray:
    """How many other members have a factor above 1.

    Args:
        factors: Shape (..., members, tags).

    Returns:
        Counts of the same shape, for each member those of others.
    """
    above = factors > 1
    return np.asarray(above.sum(axis=-2, keepdims=True) - above)


def evidence(factors: FloatArray, rules: Rules, *, independent: bool = False) -> FloatArray:
    """Evidence that each member gets from the others, tag by tag.

    Args:
        factors: Shape (..., members, tags): absent ones hold the floor.
        rules: Of the window.
        independent: Whether factors are multiplied.

    Returns:
        E-values of the same shape: row i is what others say to member i, 0 where too few do.
    """
    merge = merge_product if independent else merge_mean
    by_tag = np.swapaxes(factors, -1, -2)
    merged = np.stack(
        [
            merge(np.delete(by_tag, member, axis=-1), without_largest=rules.liars)
            for member in range(factors.shape[-2])
        ],
        axis=-2,
    )
    return np.where(supporters(factors) >= rules.contributors - 1, merged, 0.0)


def discovered(evident: FloatArray, published: BoolArray, tests: int, rules: Rules) -> BoolArray:
    """Tags that a member is told of.

    Args:
        evident: Its row of `evidence`, one axis.
        published: Which of these tags it published.
        tests: Tags that it committed to, padding included.
        rules: Of the window.
    """
    found = np.zeros(evident.shape, dtype=bool)
    found[published] = e_to_q(evident[published], tests=tests) <= rules.level
    return found
