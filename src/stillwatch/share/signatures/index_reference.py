"""The signature index in plain Python: slow, without caps, obviously right."""

from stillwatch.events.kernels.types import U32s, U64s
from stillwatch.share.signatures.index_entries import Entries


class NaiveIndex:
    """A dictionary of signatures, each compared with every event."""

    def __init__(self) -> None:
        self._values: dict[int, set[tuple[int, int]]] = {}
        self._sets: dict[int, tuple[int, list[int]]] = {}

    def add(self, entries: Entries) -> None:
        """Add signatures; one whose number is known is replaced whole."""
        self.remove(entries.all_numbers())
        exact = zip(entries.numbers, entries.families, entries.values, strict=True)
        for number, family, value in exact:
            self._values.setdefault(int(number), set()).add((int(family), int(value)))
        sets = zip(entries.set_numbers, entries.needs, entries.bands, strict=True)
        for number, need, bands in sets:
            self._sets[int(number)] = (int(need), bands.tolist())

    def remove(self, numbers: U32s) -> None:
        """Remove signatures; unknown numbers do nothing."""
        for number in numbers.tolist():
            self._values.pop(number, None)
            self._sets.pop(number, None)

    def exact(self, values: U64s) -> list[tuple[int, int]]:
        """Return number and family of each value that a signature names, ascending."""
        asked = {(family, value) for family, value in enumerate(values.tolist()) if value}
        return sorted(
            (number, family)
            for number, named in self._values.items()
            for family, _ in named & asked
        )

    def similar(self, bands: U64s) -> list[tuple[int, int]]:
        """Return number and bands shared of each band set that shares enough, ascending."""
        hits = []
        for number, (need, own) in self._sets.items():
            shared = sum(a == b for a, b in zip(own, bands.tolist(), strict=True))
            if shared >= need:
                hits.append((number, shared))
        return sorted(hits)
