"""What a person sees, on stderr; machines read stdout."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DELAY: Final = 1.0
"""Seconds of work before a progress bar appears."""


class Screen:
    """Messages, tables and progress bars on stderr; silent where `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print one message."""
        if not self.quiet:
            click.echo(text, err=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
        """Print a table; plain text keeps its full width where stderr is no terminal."""
        if self.quiet or not rows:
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        width = None if sys.stderr.isatty() else 120
        Console(stderr=True, width=width, highlight=False, markup=False).print(table)

    @contextmanager
    def bars(self) -> Iterator[None]:
        """Show progress bars while the block runs, on a terminal only."""
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
        )
        with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            self._progress = shown
            try:
                yield
            finally:
                self._progress = None
                self._tasks.clear()
                self._started.clear()

    def advance(self, stage: str, done: int, total: int | None = None) -> None:
        """Report progress of a stage; its bar appears once it has run for a second.

        Args:
            stage: Name of the stage, as shown.
            done: Units finished so far.
            total: Units in all, None where not known.
        """
        if self._progress is None:
            return
        started = self._started.setdefault(stage, monotonic())
        if stage in self._tasks:
            self._progress.update(self._tasks[stage], completed=done, total=total)
        elif monotonic() - started >= DELAY:
            self._tasks[stage] = self._progress.add_task(stage, completed=done, total=total)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun.

    >>> counted(1, "campaign"), counted(1200, "event"), counted(2, "entry", "entries")
    ('1 campaign', '1,200 events', '2 entries')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
