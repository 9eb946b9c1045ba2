"""A context-free grammar over Arrow columns: thousands of sentences for the price of a few joins.

A rule has alternatives; an alternative is literal text with `{slots}`, each filled from another
rule, from a built-in number, or from a column that the caller gives (an account's own topic). All
rows of a batch are expanded together, so the text never becomes Python objects.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LANGUAGES: Final = ("en", "zh", "ja", "ko", "ar", "ru", "es", "fr", "de", "pt", "hi")
"""Languages with a word list under `words/`."""

NUMBERS: Final = {
    "small": (2, 13),
    "number": (11, 980),
    "large": (1000, 99_000),
    "year": (1950, 2027),
}
"""Built-in slots: a whole number drawn from [low, high)."""

_SLOT: Final = re.compile(r"\{([a-z_.]+)\}")
_NONE: Final = "-"

Alternative = tuple[str, ...]
"""Literals and slots in turn: even places are literals, odd places are slot names."""


class Grammar:
    """The rules of one language."""

    def __init__(self, rules: Mapping[str, list[str]]) -> None:
        self._rules = {
            name: [tuple(_SLOT.split(line)) for line in lines] for name, lines in rules.items()
        }
        self._leaves = {
            name: pa.array(lines)
            for name, lines in rules.items()
            if not any(_SLOT.search(line) for line in lines)
        }

    def __contains__(self, rule: str) -> bool:
        return rule in self._rules

    def names(self, prefix: str) -> list[str]:
        """Rules whose name starts with `prefix`, sorted."""
        return sorted(name for name in self._rules if name.startswith(prefix))

    def leaves(self, rule: str) -> pa.Array:
        """All alternatives of a rule that has no slots."""
        return self._leaves[rule]

    def expand(
        self,
        rule: str,
        count: int,
        rng: np.random.Generator,
        given: Mapping[str, pa.Array] | None = None,
    ) -> pa.Array:
        """Draw `count` sentences of `rule`.

        Args:
            rule: Name of the rule to start from.
            count: Number of rows.
            rng: Source of every choice.
            given: Columns of `count` strings that override rules of the same name.
        """
        given = given or {}
        if rule in given:
            return given[rule]
        if rule == "other":
            rule = "topic" if "topic" not in given else rule
            if rule == "other":
                return given["topic"]
        if rule in NUMBERS:
            return pc.cast(pa.array(rng.integers(*NUMBERS[rule], size=count)), pa.string())
        if rule in self._leaves:
            leaves = self._leaves[rule]
            return leaves.take(pa.array(rng.integers(0, len(leaves), count)))
        alternatives = self._rules[rule]
        pick = rng.integers(0, len(alternatives), count)
        order = np.argsort(pick, kind="stable")
        bounds = np.searchsorted(pick[order], np.arange(len(alternatives) + 1))
        pieces = []
        for alternative, low, high in zip(alternatives, bounds[:-1], bounds[1:], strict=True):
            if low < high:
                rows = pa.array(order[low:high])
                part = {name: column.take(rows) for name, column in given.items()}
                pieces.append(self._join(alternative, int(high - low), rng, part))
        if not pieces:
            return pa.array([], pa.string())
        back = np.empty(count, np.int64)
        back[order] = np.arange(count)
        return pa.concat_arrays(pieces).take(pa.array(back))

    def _join(
        self,
        alternative: Alternative,
        count: int,
        rng: np.random.Generator,
        given: Mapping[str, pa.Array],
    ) -> pa.Array:
        if len(alternative) == 1:
            return pa.repeat(pa.scalar(alternative[0]), count)
        columns = [
            self.expand(part, count, rng, given) if place % 2 else pa.scalar(part)
            for place, part in enumerate(alternative)
            if place % 2 or part
        ]
        return join(*columns)


def join(*columns: pa.Array | pa.Scalar | str) -> pa.Array:
    """Concatenate string columns and constants row by row; at least one is a column."""
    return pc.binary_join_element_wise(*columns, "")


def constant(text: str, count: int) -> pa.Array:
    """A column of `count` equal strings."""
    return pa.repeat(pa.scalar(text), count)


def hexadecimal(
    values: np.ndarray, prefix: str = "", missing: np.ndarray | None = None
) -> pa.Array:
    """64-bit numbers as 16 hexadecimal digits behind a prefix; null where `missing`."""
    digits = np.ascontiguousarray(values.astype(">u8")).tobytes().hex().encode()
    offsets = np.arange(len(values) + 1, dtype=np.int32) * 16
    text = pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(digits))
    if prefix:
        text = pc.binary_join_element_wise(prefix, text, "")
    return text if missing is None else pc.if_else(pa.array(missing), None, text)


def lines(words: pa.Array, lengths: np.ndarray, separator: str) -> pa.Array:
    """Join consecutive runs of `words` of the given lengths into one string each."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), words), separator)


@cache
def grammar(language: str) -> Grammar:
    """The grammar of one of `LANGUAGES`, read once from the package."""
    return Grammar(parse((files(__package__) / "words" / f"{language}.txt").read_text("utf-8")))


def parse(text: str) -> dict[str, list[str]]:
    r"""Read the word-list format: `[rule]` headings, one alternative a line, `-` for an empty one.

    `\n` in a line is a line break; lines that start with `#` are comments.

    >>> parse("[greet]\nhello {name}\n-\n[name]\nAnn")
    {'greet': ['hello {name}', ''], 'name': ['Ann']}
    """
    rules: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            current = rules.setdefault(stripped[1:-1], [])
        else:
            current.append("" if stripped == _NONE else stripped.replace("\\n", "\n"))
    return rules
