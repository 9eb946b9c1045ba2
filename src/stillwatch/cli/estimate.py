"""How long a job still takes, about: from how its stages usually compare and how long they took."""

from collections.abc import Callable, Mapping
from typing import Final

SCAN: Final[Mapping[str, float]] = {
    "reading": 35.0,
    "profiles": 7.0,
    "features": 12.0,
    "links and clusters": 15.0,
    "coordination test": 12.0,
    "signals": 3.0,
    "kinds": 6.0,
    "followers": 5.0,
    "evidence": 5.0,
}
"""Stages of a scan and how much of its wall time each takes, in percent of a large one."""

LEAST_SHARE: Final = 0.02
"""Share of the job that must be done before the rest is estimated."""


class Estimate:
    """Follows the stages of a job and says how long the rest takes."""

    def __init__(self, weights: Mapping[str, float], clock: Callable[[], float]) -> None:
        """Take the stages, in any order.

        Args:
            weights: how long each stage takes relative to the others; one that is not here is not
                counted.
            clock: seconds since any moment.
        """
        self._weights = weights
        self._clock = clock
        self._whole = sum(weights.values())
        self._done = 0.0
        self._spent = 0.0
        self._stage: str | None = None
        self._total: int | None = None
        self._advanced = 0
        self._begun = 0.0

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage of `total` units, None where that is not known."""
        self.finish()
        self._stage = stage if stage in self._weights else None
        self._total, self._advanced, self._begun = total, 0, self._clock()

    def advance(self, amount: int) -> None:
        """Count units done in the stage."""
        self._advanced += amount

    def finish(self) -> None:
        """End the stage."""
        if self._stage is not None:
            self._done += self._weights[self._stage]
            self._spent += self._clock() - self._begun
            self._stage = None

    def remaining(self) -> float | None:
        """Return seconds left, None while too little is done to tell.

        Where a stage does not say how far it is, it takes the time that its weight and the pace of
        the earlier ones give it; one that takes longer is taken to end any moment.
        """
        done, spent = self._done, self._spent
        if self._stage is not None:
            weight, gone = self._weights[self._stage], self._clock() - self._begun
            if self._total:
                done += weight * min(self._advanced / self._total, 1.0)
                spent += gone
            elif spent > 0:
                pace = spent / done
                known = min(gone, weight * pace)
                done, spent = done + known / pace, spent + known
        if done < LEAST_SHARE * self._whole or spent <= 0:
            return None
        return spent / done * (self._whole - done)


def wording(seconds: float | None) -> str:
    """Say a time left as a person would.

    >>> wording(412), wording(88), wording(8), wording(None)
    ('about 7 min left', 'about 1 min left', 'less than a minute left', '')
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return "less than a minute left"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.0f} h left"
