"""Array types that kernels pass around, and the text and token layouts they share."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Starts: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
F32s: TypeAlias = npt.NDArray[np.float32]
U16s: TypeAlias = npt.NDArray[np.uint16]
U32s: TypeAlias = npt.NDArray[np.uint32]
U64s: TypeAlias = npt.NDArray[np.uint64]


Int: TypeAlias = int | np.int64
"""What kernels count and index with: a Python integer outside, 64 bits inside."""


class Texts(NamedTuple):
    """UTF-8 texts in one buffer; text `i` is `data[offsets[i]:offsets[i + 1]]`."""

    data: Bytes
    offsets: Starts


class Tokens(NamedTuple):
    """Tokens of many texts; those of text `i` are `[starts[i], starts[i + 1])`.

    `values` holds a keyed hash for words, numbers and addresses, the character and run length for
    punctuation (`kernels.tokens`), and 1 or 2 for a line break or blank line.
    """

    values: U64s
    kinds: Bytes
    starts: Starts


class Words(NamedTuple):
    """Words of many texts; those of text `i` are `[starts[i], starts[i + 1])`.

    `weights` is 2 for a word and 1 for a character of a script written without spaces, so that
    windows span about as much meaning in every script.
    """

    values: U64s
    weights: Bytes
    starts: Starts


class Measures(NamedTuple):
    """Measures of each text that are taken while its characters are read."""

    characters: U32s
    scripts: Bytes
    nesting: Bytes
