"""Which listed names are worth comparing with a name: a sparse product of weighted parts of words.

Comparing 100,000 names with 60,000 one by one takes hours; this finds the few that share rare
parts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np
from scipy import sparse

from stillwatch.detect.screening.alike import SKELETAL
from stillwatch.detect.screening.letters import Script, bones, korean, loose
from stillwatch.detect.screening.names import Name, articled, skeleton
from stillwatch.detect.screening.romanised import readings, romaji, wade
from stillwatch.stats.arrays import FloatArray

LIKE: Final = 0.3
"""Least cosine of weighted parts at which two names are compared."""
MOST: Final = 10
"""Listed names that one name is compared with at most, the most alike."""
COMMON: Final = 0.01
"""Share of the listed names from which a part is too common to find any by."""
FEW: Final = 200
"""A part in so many names or fewer is never too common."""
_ROWS: Final = 1000


class NameIndex:
    """Finds listed names that share rare parts with given ones, by spelling or by sound.

    Args:
        names: the listed names.
    """

    def __init__(self, names: Sequence[Name]) -> None:
        self._indexes = [
            (parts, PartIndex(map(parts, names)))
            for parts in (spellings, sounds, systems, consonants, voweled_consonants)
        ]

    def candidates(self, names: Sequence[Name]) -> Iterator[list[int]]:
        """For each name, the places of the listed names to compare it with."""
        asked = (spellings, sounds, systems, voweled_consonants, consonants)
        found = (
            index.candidates(list(map(parts, names)))
            for parts, (_, index) in zip(asked, self._indexes, strict=True)
        )
        for places in zip(*found, strict=True):
            yield list(dict.fromkeys(chain.from_iterable(places)))


class PartIndex:
    """Finds the sets of parts that share rare ones with given sets.

    Args:
        listed: the sets to find.
    """

    def __init__(self, listed: Iterable[frozenset[str]]) -> None:
        parts = list(listed)
        seen = Counter(part for some in parts for part in some)
        self._places = {part: at for at, part in enumerate(seen)}
        counts = np.fromiter(seen.values(), np.float64, len(seen))
        self._weights: FloatArray = np.log((len(parts) + 1) / counts)
        rare = counts <= max(FEW, COMMON * len(parts))
        matrix = self._matrix(parts) @ sparse.diags(rare.astype(np.float64))
        self._listed = matrix.T.tocsr()
        self._listed.eliminate_zeros()

    def candidates(self, asked: Sequence[frozenset[str]]) -> Iterator[list[int]]:
        """For each set, the places of the listed sets that are like it, the likest first."""
        for start in range(0, len(asked), _ROWS):
            rows = self._matrix(asked[start : start + _ROWS])
            yield from _best((rows @ self._listed).tocsr())

    def _matrix(self, parts: Sequence[frozenset[str]]) -> sparse.csr_matrix:
        """One row a name, of length 1; parts that no listed name has count towards the length."""
        unknown = float(self._weights.max(initial=0.0))
        known = [
            sorted(self._places[part] for part in some if part in self._places) for some in parts
        ]
        sizes = np.fromiter(map(len, known), np.int64, len(parts))
        strange = np.fromiter(map(len, parts), np.int64, len(parts)) - sizes
        columns = np.fromiter(chain.from_iterable(known), np.int64, int(sizes.sum()))
        rows = np.repeat(np.arange(len(parts)), sizes)
        weights = self._weights[columns]
        squares = np.bincount(rows, weights**2, len(parts)) + strange * unknown**2
        lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        shape = (len(parts), len(self._places))
        return sparse.csr_matrix((weights / lengths[rows], columns, bounds), shape=shape)


def _best(products: sparse.csr_matrix) -> Iterator[list[int]]:
    for row in range(products.shape[0]):
        span = slice(products.indptr[row], products.indptr[row + 1])
        found, values = products.indices[span], products.data[span]
        enough = np.flatnonzero(values >= LIKE)
        order = enough[np.lexsort((found[enough], -values[enough]))][:MOST]
        yield found[order].tolist()


def spellings(name: Name) -> frozenset[str]:
    """Trigrams of the telling words; the common words of a name that has no other."""
    padded = [f"^{loose(token.spelled)}$" for token in name.core]
    trigrams = {word[at : at + 3] for word in padded for at in range(max(1, len(word) - 2))}
    return frozenset(trigrams or {f"#{term}" for term in name.terms})


def sounds(name: Name) -> frozenset[str]:
    """Telling words, and all of them run together, by sound."""
    if not name.core:
        return frozenset({f"={loose(name.whole)}"})
    words = {f"%{korean(token.spelled)}" for token in name.core}
    runs = {f"={loose(run)}" for run in (name.run, name.spelled, name.whole)}
    return frozenset(words | runs | {f"%%{korean(name.spelled)}"})


def systems(name: Name) -> frozenset[str]:
    """Telling words as systems of romanisation write them."""
    read = (
        way
        for token in name.core
        for way in (
            readings(token.own)
            if token.script is Script.HAN
            else ("".join(wade(token.spelled)), romaji(token.spelled))
        )
    )
    return frozenset(f"@{way}" for way in (*read, name.spelled) if way)


def consonants(name: Name) -> frozenset[str]:
    """The consonants of a name in a script that leaves vowels out or adds them, or nothing."""
    return _bones(name) if name.script in SKELETAL else frozenset()


def voweled_consonants(name: Name) -> frozenset[str]:
    """The consonants of any other name."""
    return frozenset() if name.script in SKELETAL else _bones(name)


def _bones(name: Name) -> frozenset[str]:
    words = {f"~{key}" for token in name.core for key in {*map(skeleton, articled(token))}}
    # In Hebrew and German "ch" is "kh", elsewhere it is "tsh".
    hard = {f"~{bones(t.spelled.replace('ch', 'kh'))}" for t in name.core if "ch" in t.spelled}
    return frozenset(words | hard | {f"~~{name.consonants}"}) if name.core else frozenset()


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
