"""Limits on requests and on failed proofs; the clock is an argument. State is this process's own.

Lock-out, by address and credential, and by address alone:

| failures in a row | answer |
|---|---|
| fewer than `free` | as usual |
| each one after that | nothing is tried for 1 s, 2 s, 4 s … up to `longest` |
| success | the pair begins anew; the address alone does not |

A credential is not locked for all addresses: that would let anyone lock a member out.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

_REMEMBERED: Final = 50_000
"""Keys that are remembered; the oldest go first."""


_K = TypeVar("_K")
_V = TypeVar("_V")


class _Level(NamedTuple):
    amount: float
    at: float


class RateLimit:
    """A token bucket for each key."""

    def __init__(self, rate: float, burst: float) -> None:
        """Make a limit.

        Args:
            rate: Requests per second that are sustained.
            burst: Requests that may come at once.
        """
        self._rate, self._burst = rate, burst
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Take one request; return 0, or the seconds to wait where there are too many."""
        level = self._levels.get(key, _Level(self._burst, now))
        amount = min(self._burst, level.amount + (now - level.at) * self._rate)
        if amount < 1:
            return (1 - amount) / self._rate
        _put(self._levels, key, _Level(amount - 1, now))
        return 0.0


class _Failures(NamedTuple):
    number: int
    until: float


@dataclass(frozen=True, slots=True)
class LockOut:
    """How lock-out goes.

    Attributes:
        free: Failures without consequence, of one credential from one address.
        free_of_address: The same, of all credentials from one address.
        longest: The longest wait, in seconds.
    """

    free: int = 5
    free_of_address: int = 20
    longest: float = 900.0


class Locks:
    """Counts failed proofs, and says how long to wait."""

    def __init__(self, rules: LockOut) -> None:
        self._rules = rules
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def wait(self, address: str, credential: str, now: float) -> float:
        """Return the seconds for which nothing is tried; 0 where it may be."""
        until = [
            self._failures[key].until
            for key in ((address, credential), (address, ""))
            if key in self._failures
        ]
        return max(0.0, max(until, default=0.0) - now)

    def fail(self, address: str, credential: str, now: float) -> None:
        """Count a failure."""
        rules = self._rules
        for key, free in (
            ((address, credential), rules.free),
            ((address, ""), rules.free_of_address),
        ):
            number = self._failures.get(key, _Failures(0, 0)).number + 1
            # 2**20 seconds are longer than any limit: no larger power is needed.
            hold = min(rules.longest, 2.0 ** min(number - free, 20)) if number >= free else 0.0
            _put(self._failures, key, _Failures(number, now + hold))

    def succeed(self, address: str, credential: str) -> None:
        """Forget the failures of a credential from an address."""
        self._failures.pop((address, credential), None)


def _put(table: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > _REMEMBERED:
        table.popitem(last=False)
