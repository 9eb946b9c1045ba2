"""What goes into a signature index, batch by batch."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from stillwatch.errors import InputError
from stillwatch.events.kernels.types import Bytes, U32s, U64s
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures.index_layout import FAMILIES

_NO_NUMBERS = np.empty(0, np.uint32)
_NO_WORDS = np.empty(0, np.uint64)
_NO_BYTES = np.empty(0, np.uint8)


@dataclass(frozen=True)
class Entries:
    """Exact values and band sets of signatures, as columns.

    A signature is a number that the caller chose. It may have any number of exact values and one
    band set. A conjunction is indexed by its rarest value; the caller checks the others.

    Attributes:
        numbers: signature of each exact value.
        families: family of each, below `FAMILIES`: the place in the row that is looked up.
        values: the value, a keyed 64-bit hash; 0 is not allowed, it stands for absent.
        set_numbers: signature of each band set.
        needs: how many of its eight bands an event must share, 1 to 8.
        bands: the bands, shape (sets, 8).
    """

    numbers: U32s = field(default_factory=_NO_NUMBERS.copy)
    families: Bytes = field(default_factory=_NO_BYTES.copy)
    values: U64s = field(default_factory=_NO_WORDS.copy)
    set_numbers: U32s = field(default_factory=_NO_NUMBERS.copy)
    needs: Bytes = field(default_factory=_NO_BYTES.copy)
    bands: U64s = field(default_factory=lambda: np.empty((0, BANDS), np.uint64))

    def __post_init__(self) -> None:
        if not len(self.numbers) == len(self.families) == len(self.values):
            raise InputError("Exact values need one number and one family each.")
        if self.bands.shape != (len(self.set_numbers), BANDS) or len(self.needs) != len(self.bands):
            raise InputError(f"Band sets need one number, one threshold and {BANDS} bands each.")
        if len(self.families) and self.families.max() >= FAMILIES:
            raise InputError(f"A family is a number below {FAMILIES}.")
        if len(self.values) and not self.values.all():
            raise InputError("The value 0 stands for an absent one; leave it out.")
        if len(self.needs) and not 1 <= self.needs.min() <= self.needs.max() <= BANDS:
            raise InputError(
                f"An event must share 1 to {BANDS} bands; another threshold was given."
            )
        if len(np.unique(self.set_numbers)) < len(self.set_numbers):
            raise InputError("A signature has one band set; give a second one its own number.")

    def all_numbers(self) -> U32s:
        """Return the signatures, ascending."""
        return np.union1d(self.numbers, self.set_numbers)

    def without(self, numbers: U32s) -> Self:
        """Return the entries of all other signatures."""
        exact = ~np.isin(self.numbers, numbers)
        sets = ~np.isin(self.set_numbers, numbers)
        return type(self)(
            self.numbers[exact],
            self.families[exact],
            self.values[exact],
            self.set_numbers[sets],
            self.needs[sets],
            self.bands[sets],
        )

    def joined(self, other: Self) -> Self:
        """Return these entries followed by others."""
        return type(self)(
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.families, other.families]),
            np.concatenate([self.values, other.values]),
            np.concatenate([self.set_numbers, other.set_numbers]),
            np.concatenate([self.needs, other.needs]),
            np.concatenate([self.bands, other.bands]),
        )
