"""Which listed names are worth comparing with a name: a sparse product of weighted parts of words.

Comparing 100,000 names with 60,000 one by one takes hours; this finds the few that share rare
parts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from scipy import sparse

from stillwatch.detect.screening.letters import bones, korean, loose
from stillwatch.detect.screening.names import Name
from stillwatch.stats.arrays import FloatArray

LIKE: Final = 0.3
"""Least cosine of weighted parts at which two names are compared."""
MOST: Final = 20
"""Listed names that one name is compared with at most, the most alike."""
COMMON: Final = 0.01
"""Share of the listed names from which a part is too common to find any by."""
FEW: Final = 200
"""A part in so many names or fewer is never too common."""
_ROWS: Final = 1000


class NameIndex:
    """Finds listed names that share rare parts with given ones.

    Args:
        names: the listed names.
    """

    def __init__(self, names: Sequence[Name]) -> None:
        parts = [frozenset(_parts(name)) for name in names]
        self._places = {
            part: i for i, part in enumerate(dict.fromkeys(p for s in parts for p in s))
        }
        seen = Counter(part for some in parts for part in some)
        counts = np.array([seen[part] for part in self._places], dtype=np.float64)
        self._weights: FloatArray = np.log((len(names) + 1) / counts) if counts.size else counts
        listed = self._matrix(parts)
        rare = counts <= max(FEW, COMMON * len(names))
        self._listed = (listed @ sparse.diags(rare.astype(np.float64))).T.tocsr()
        self._listed.eliminate_zeros()

    def candidates(self, names: Sequence[Name]) -> Iterator[list[int]]:
        """For each name, the places of the listed names to compare it with."""
        for start in range(0, len(names), _ROWS):
            rows = self._matrix([frozenset(_parts(name)) for name in names[start : start + _ROWS]])
            yield from _best((rows @ self._listed).tocsr())

    def _matrix(self, parts: Sequence[frozenset[str]]) -> sparse.csr_matrix:
        """One row a name, of length 1; parts that no listed name has count towards the length."""
        unknown = float(np.log(len(parts) + 1)) if not self._weights.size else self._weights.max()
        columns: list[int] = []
        values: list[float] = []
        bounds = [0]
        for some in parts:
            known = sorted(self._places[part] for part in some if part in self._places)
            weights = self._weights[known]
            strange = len(some) - len(known)
            length = float(np.sqrt((weights**2).sum() + strange * unknown**2)) or 1.0
            columns.extend(known)
            values.extend((weights / length).tolist())
            bounds.append(len(columns))
        shape = (len(parts), len(self._places))
        return sparse.csr_matrix((values, columns, bounds), shape=shape, dtype=np.float64)


def _best(products: sparse.csr_matrix) -> Iterator[list[int]]:
    for row in range(products.shape[0]):
        span = slice(products.indptr[row], products.indptr[row + 1])
        found, values = products.indices[span], products.data[span]
        enough = np.flatnonzero(values >= LIKE)
        order = enough[np.lexsort((found[enough], -values[enough]))][:MOST]
        yield found[order].tolist()


def _parts(name: Name) -> Iterator[str]:
    """Trigrams of the telling words, their consonants, and the words run together.

    A name without a telling word has its common ones.
    """
    for token in name.core:
        padded = f"^{loose(token.spelled)}$"
        yield from (padded[at : at + 3] for at in range(max(1, len(padded) - 2)))
        yield f"~{bones(token.spelled)}"
        yield f"%{korean(token.spelled)}"
    if name.core:
        spelled = "".join(token.spelled for token in name.core)
        for run in {name.run, spelled}:
            yield f"={loose(run)}"
            yield f"~~{bones(run)}"
            yield f"%%{korean(run)}"
    else:
        yield from (f"#{term}" for term in name.terms)


def rarity_of(entries: Iterable[Iterable[Name]]) -> dict[str, float]:
    """How rare each telling word is among the listed entities, 0.1..1; larger is rarer.

    A word of one entity has 1; a word of one in ten has little.

    Args:
        entries: the names of each entity.
    """
    words = [{token.spelled for name in names for token in name.core} for names in entries]
    seen = Counter(word for some in words for word in some)
    total = np.log(len(words) + 1)
    return {word: max(0.1, float(1 - np.log(times) / total)) for word, times in seen.items()}
