"""`watch`: the whole job on a stream, one step after the other in one thread.

Micro-batches are taken up as they come. When something changed and it is time, the window is
analysed as `scan` would analyse it; what that found is recorded, then shown. An analysis takes at
most half of the time: the next one waits as long as the last one took.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import msgspec

from stillwatch.detect import store
from stillwatch.detect.analysis import AnalysisSettings
from stillwatch.detect.conclusion import Counts, Given, conclude
from stillwatch.detect.judgements import Judgement, calm
from stillwatch.detect.progress import Progress
from stillwatch.detect.results import ScanResult
from stillwatch.detect.watch import announce
from stillwatch.detect.watch.announce import Announcement, Naming
from stillwatch.detect.watch.intake import Intake
from stillwatch.detect.watch.sources.base import Source, Stop
from stillwatch.detect.watch.state import RESULT, VERDICTS, Facts, State
from stillwatch.detect.watch.verdicts import append_lines
from stillwatch.detect.watch.window import Window
from stillwatch.detect.wording import count
from stillwatch.detect.workers import Threads
from stillwatch.errors import PeerError
from stillwatch.events.readers.rejects import Rejects

_BLINK = 0.2


@dataclass(frozen=True)
class Pace:
    """How often, in seconds.

    Attributes:
        batch: How long rows are collected before they are taken up.
        every: How often the window is analysed at most.
        retry: How long to wait before a source that does not answer is asked again.
    """

    batch: float = 5.0
    every: float = 30.0
    retry: float = 2.0


@dataclass(frozen=True)
class Status:
    """How a watch is doing.

    Attributes:
        events: Events taken up since the state was made.
        rate: Events per second of the last micro-batch.
        behind: What waits at the source, in words.
        campaigns: Campaigns of the last analysis.
    """

    events: int = 0
    rate: float = 0.0
    behind: str = ""
    campaigns: int = 0


class Listener(Protocol):
    """Who started a watch."""

    progress: Progress
    """Told of the stages of each analysis."""

    def say(self, text: str) -> None:
        """Take a message for a person."""

    def announce(self, announcement: Announcement) -> None:
        """Take an announcement; it counts as given out when this returns."""

    def status(self, status: Status) -> None:
        """Take news of how it is going."""


class Watch:
    """A watch on an open state.

    Args:
        state: The state.
        facts: What it is made for.
        intake: Takes rows up.
        given: Reads what the user gives beside the events, anew for each analysis.
        settings: Thresholds of the analysis.
        pace: How often.
        listener: Who is told.
        clock: Gives the present moment.
    """

    def __init__(
        self,
        state: State,
        facts: Facts,
        intake: Intake,
        given: Callable[[], Given],
        *,
        settings: AnalysisSettings,
        pace: Pace,
        listener: Listener,
        clock: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._facts = facts
        self._intake = intake
        self._given = given
        self._settings = settings
        self._pace = pace
        self._listener = listener
        self._clock = clock
        self._window = Window(state)
        self._next = 0.0
        self._status = Status(events=state.counter("events"))

    def run(self, source: Source, *, once: bool, stop: Stop) -> None:
        """Follow a source until it ends or the watch is stopped.

        Args:
            source: The source.
            once: Take what is there, analyse, and end.
            stop: Whether to end; what was taken is committed first.

        Raises:
            InputError: The source cannot be used.
            StorageError: The disk refused.
            PeerError: Another system does not answer, where `once`.
        """
        source.open(self._state.positions)
        self.give_out()
        away = False
        while not stop():
            try:
                took = self.step(source, wait=0.0 if once else self._pace.batch)
            except PeerError as error:
                if once:
                    raise
                if not away:
                    self._listener.say(f"{error}; asking again every {self._pace.retry:g} s")
                away = True
                self._sleep(stop)
                continue
            if away:
                self._listener.say(f"{source.name} answers again")
                away = False
            if source.ended or (once and not took):
                break
            if not once and time.monotonic() >= self._next:
                self._analyse_timed()
        if not stop():
            self.analyse()

    def step(self, source: Source, *, wait: float) -> bool:
        """Take one micro-batch up; returns whether there was one."""
        began = time.monotonic()
        taken = source.take(wait)
        if taken is None:
            return False
        read = self._intake.take_up(taken, self._clock())
        source.settle(taken)
        spent = max(time.monotonic() - began, 1e-3)
        self._status = replace(
            self._status,
            events=self._status.events + read.added,
            rate=read.added / spent,
            behind=source.behind,
        )
        self._listener.status(self._status)
        return True

    def _analyse_timed(self) -> None:
        began = time.monotonic()
        self.analyse()
        ended = time.monotonic()
        self._next = ended + max(self._pace.every - (ended - began), ended - began)

    def analyse(self, *, show: bool = True) -> ScanResult | None:
        """Analyse the window where something changed, record what was found, and show it.

        Args:
            show: Write the result folder.
        """
        self._state.compact()
        judgements = store.read_judgements(self._state.folder)
        mark = f"{self._state.counter('events')} {len(judgements)}"
        if self._state.fact("shown") == mark:
            return None
        result = self._conclude(judgements)
        if result is not None:
            if show:
                self._show(result)
            self._status = replace(self._status, campaigns=len(result.campaigns))
            self._listener.status(self._status)
        self._state.note("shown", mark)
        self.give_out()
        return result

    def _conclude(self, judgements: list[Judgement]) -> ScanResult | None:
        days = self._state.segments()
        if days:
            self._state.expire(max(days) - self._facts.window + 1)
        given, progress = self._given(), self._listener.progress
        gathered = self._window.population(given, progress)
        if gathered is None:
            return None
        population, readable, events = gathered
        naming = Naming(self._state, judgements)
        state = self._state
        result = conclude(
            population,
            readable,
            given,
            self._settings,
            counts=Counts(
                [self._facts.source], events, 0, state.counter("rejected"), state.reasons()
            ),
            workers=Threads(),
            progress=progress,
            name=naming,
            notes=self._notes(),
        )
        result = replace(result, accounts=calm(result.accounts, result.campaigns, judgements))
        announce.record(
            state,
            result.campaigns,
            naming.merged,
            result.accounts,
            judgements,
            now=self._clock(),
        )
        return result

    def _notes(self) -> list[str]:
        notes = [f"a window of {count(self._facts.window, 'day')}, up to the last event"]
        if repeated := self._state.counter("repeated"):
            notes.append(f"{count(repeated, 'event')} came again and are counted once")
        if expired := self._state.counter("expired"):
            notes.append(f"{count(expired, 'event')} came when their day had left the window")
        return notes

    def _show(self, result: ScanResult) -> None:
        folder = self._state.folder
        with self._state.scratch() as scratch:
            rejected = scratch / store.REJECTED
            with Rejects(rejected) as rejects:
                for row in self._state.rejected():
                    rejects.add(*msgspec.structs.astuple(row))
            store.write_result(
                result, folder / RESULT, rejected, judgements=folder / store.JUDGEMENTS
            )

    def give_out(self) -> None:
        """Give out the lines of the outbox."""
        state = self._state
        verdicts = announce.waiting(state, announce.VERDICTS)
        if verdicts:
            append_lines(state.folder / VERDICTS, verdicts)
            announce.given_out(state, [number for number, _ in verdicts])
        for number, line in announce.waiting(state, announce.CAMPAIGNS):
            self._listener.announce(msgspec.json.decode(line, type=Announcement))
            announce.given_out(state, [number])

    def _sleep(self, stop: Stop) -> None:
        until = time.monotonic() + self._pace.retry
        while not stop() and time.monotonic() < until:
            time.sleep(_BLINK)
