"""Rules in the path of requests: one event at a time, with bounded memory.

The clock is the event's own time. Counts that can only grow are decided here (`gt`, `gte` of
`event_count` and `value_count`); all others need the whole window and run over a log.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from sigma.correlations import SigmaCorrelationRule

from stillwatch.errors import InputError
from stillwatch.share.sigma.correlation import Correlation, Counts, correlation_of
from stillwatch.share.sigma.predicate import Event, Predicate, PredicateBackend, folded
from stillwatch.share.sigma.reading import Rule, title_of

MOST_GROUPS: Final = 100_000
"""Groups that one correlation remembers; the one heard of least recently is forgotten first."""
MOST_COUNTED: Final = 10_000
"""The largest count that a rule may ask for here: the memory of one group."""
MOST_REMEMBERED: Final = 2_000_000
"""Moments that one correlation remembers in all: where counts are large, groups are fewer."""


class _Window(Protocol):
    """What is remembered of one group."""

    last: datetime

    def add(self, time: datetime, value: Any) -> bool:
        """Take an event; whether the window now holds enough."""
        ...


class _Events:
    """The last `enough` times: if even the oldest is within the span, there are enough."""

    __slots__ = ("last", "span", "times")

    def __init__(self, correlation: Correlation, enough: int, now: datetime) -> None:
        self.last = now
        self.times: deque[datetime] = deque(maxlen=enough)
        self.span = correlation.span

    def add(self, time: datetime, value: Any) -> bool:  # noqa: ARG002 - the protocol's signature
        self.times.append(time)
        self.last = time
        return len(self.times) == self.times.maxlen and time - self.times[0] <= self.span


class _Values:
    """The last `enough` distinct values, each with when it came last."""

    __slots__ = ("enough", "last", "span", "times")

    def __init__(self, correlation: Correlation, enough: int, now: datetime) -> None:
        self.last = now
        self.times: OrderedDict[Any, datetime] = OrderedDict()
        self.span, self.enough = correlation.span, enough

    def add(self, time: datetime, value: Any) -> bool:
        self.last = time
        if value is not None:
            self.times[value] = time
            self.times.move_to_end(value)
            if len(self.times) > self.enough:
                self.times.popitem(last=False)
        oldest = next(iter(self.times.values()), None)
        full = len(self.times) == self.enough
        return full and oldest is not None and time - oldest <= self.span


class Counter:
    """One correlation over a stream of events.

    An event that comes late counts at the time of the latest event of its group.

    Args:
        correlation: `event_count` or `value_count` with `gt` or `gte`.
        most_groups: Groups that are remembered, or fewer where the count is large.

    Attributes:
        forgotten: Groups dropped to stay within the bound although their window had not passed;
            each may hide a match.

    Raises:
        InputError: The correlation needs the whole window.
    """

    def __init__(self, correlation: Correlation, most_groups: int = MOST_GROUPS) -> None:
        enough = correlation.at_least
        counted = correlation.counts in (Counts.EVENTS, Counts.VALUES)
        if enough is None or not counted or not 1 <= enough <= MOST_COUNTED:
            raise InputError(
                f"{title_of(correlation.rule)} needs the whole window, so it runs over a log only: "
                f"use event_count or value_count with gte, at most {MOST_COUNTED}"
            )
        self._correlation, self._enough = correlation, enough
        self._groups: OrderedDict[tuple[Any, ...], _Window] = OrderedDict()
        self._most = min(most_groups, MOST_REMEMBERED // enough)
        self._names = [tuple(f.name for f in group) for group in correlation.groups]
        self._value = correlation.value.name if correlation.value else None
        self.forgotten = 0

    def add(self, event: Event, part: int) -> bool:
        """Take an event that matched a rule of the correlation; whether the correlation fires.

        Args:
            event: With its `time`.
            part: Index of the rule it matched.
        """
        key = tuple([event.get(name) for name in self._names[part]])
        if None in key:
            return False
        window = self._groups.get(key)
        time: datetime = event["time"]
        if window is None:
            kind = _Events if self._value is None else _Values
            window = self._groups[key] = kind(self._correlation, self._enough, time)
            self._shrink(time)
        else:
            self._groups.move_to_end(key)
            time = max(time, window.last)
        return window.add(time, event.get(self._value) if self._value else None)

    def _shrink(self, now: datetime) -> None:
        """Forget a group whose window has passed, and where there are too many, one more."""
        oldest, window = next(iter(self._groups.items()))
        if now - window.last > self._correlation.span:
            del self._groups[oldest]
        elif len(self._groups) > self._most:
            del self._groups[oldest]
            self.forgotten += 1

    def __len__(self) -> int:
        """Groups that are remembered."""
        return len(self._groups)


@dataclass
class _Watched:
    """A correlation with the predicates of its parts."""

    id: str
    counter: Counter
    parts: list[Predicate]


@dataclass
class Pack:
    """Many rules on one event at a time.

    Attributes:
        skipped: Rules that need the whole window, by id, with the reason.
    """

    skipped: dict[str, str] = field(default_factory=dict)
    _plain: list[tuple[str, Predicate]] = field(default_factory=list)
    _watched: list[_Watched] = field(default_factory=list)
    _folds: tuple[str, ...] = ()

    @classmethod
    def compile(cls, rules: Sequence[Rule]) -> "Pack":
        """Compile rules of one service.

        Raises:
            InputError: A rule cannot be used.
        """
        pack, backend = cls(), PredicateBackend()
        for rule in rules:
            name = str(rule.id or rule.title)
            if not isinstance(rule, SigmaCorrelationRule):
                pack._plain.append((name, backend.compile(rule)))
                continue
            correlation = correlation_of(rule)
            try:
                counter = Counter(correlation)
            except InputError as error:
                pack.skipped[name] = str(error)
                continue
            parts = [backend.compile(part) for part in correlation.parts]
            pack._watched.append(_Watched(name, counter, parts))
        pack._folds = tuple(sorted(backend.folds))
        return pack

    def match(self, event: Event) -> list[str]:
        """Return the ids of the rules that this event matches, or makes fire."""
        low = folded(event, self._folds)
        found = [name for name, test in self._plain if test(event, low)]
        for watched in self._watched:
            for part, test in enumerate(watched.parts):
                if test(event, low):
                    if watched.counter.add(event, part):
                        found.append(watched.id)
                    break
        return found
