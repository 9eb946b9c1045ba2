"""How surely two words that differ in a letter are one word, written with a slip.

A doubled letter, two letters in the wrong order or another vowel is how people slip; another
consonant, and another first letter above all, is how names differ.
"""

from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from stillwatch.detect.screening.letters import CACHED

LEAST: Final = 5
"""Letters that both words must have: in a short one, one letter makes another name."""
STEEP: Final = 4.0
"""How fast the likeness falls with the share of letters that differ."""
ANY, TURNED, VOWEL, CONSONANT, FIRST = 1.25, 0.5, 0.8, 2.2, 2.5
LONG: Final = 7
"""Letters from which another vowel is a slip; in a shorter word only a near one is."""
_NEAR: Final = ({"o", "u"}, {"e", "i"}, {"i", "y"})
_VOWELS: Final = frozenset("aeiouy")


@lru_cache(CACHED)
def slip(a: str, b: str) -> float:
    """Likeness, 0..1: 1 for the same, less for a slip in a long word, 0 for another word.

    >>> slip("northvale", "norhtvale") > slip("northvale", "northdale") > slip("oak", "oat")
    True
    """
    if a == b:
        return 1.0
    if min(len(a), len(b)) < LEAST:
        return 0.0
    apart = OSA.distance(a, b, score_cutoff=3)
    weight = _one(a, b) if apart == 1 else apart * ANY
    return max(0.0, 1 - STEEP * weight / max(len(a), len(b)))


def _one(a: str, b: str) -> float:
    """The weight of one slip: where the words part, and in what."""
    at = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    if at == 0:
        return FIRST
    if len(a) == len(b):
        x, y = a[at], b[at]
        if a[at + 1 :] != b[at + 1 :]:
            return TURNED
        if {x, y} <= _VOWELS:
            return VOWEL if len(a) >= LONG or {x, y} in _NEAR else CONSONANT
        return CONSONANT
    longer = a if len(a) > len(b) else b
    if longer[at] == longer[at - 1]:
        return TURNED
    return VOWEL if longer[at] in _VOWELS else ANY
