"""What a person sees while a command runs, on stderr; what was asked for goes to stdout."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TextIO

import click

from stillwatch.cli.estimate import Estimate, wording
from stillwatch.detect.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Screen:
    """Messages, tables and progress bars on stderr; silent where `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    def say(self, text: str) -> None:
        """Print one message."""
        if not self.quiet:
            click.echo(text, err=True)

    def show(self, what: "RenderableType") -> None:
        """Print a table or what else rich can lay out."""
        if not self.quiet:
            show(what, sys.stderr)

    @contextmanager
    def bars(self, stages: Mapping[str, float]) -> Iterator[Progress]:
        """Give a progress that draws bars while the block runs, on a terminal only.

        Args:
            stages: the stages of the job, and how long each takes relative to the others.
        """
        if self.quiet or not sys.stderr.isatty():
            yield Silent()
            return
        from rich import progress
        from rich.console import Console

        columns = (
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[estimate]}"),
        )
        with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            yield Bars(shown, Estimate(stages, monotonic))


class Bars:
    """Draws one bar for the current stage of a job, and how long the whole still takes."""

    def __init__(self, shown: "RichProgress", estimate: Estimate) -> None:
        self._shown = shown
        self._estimate = estimate
        self._task: TaskID | None = None

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage; its bar pulses where `total` is not known."""
        self.finish()
        self._estimate.start(stage, total)
        self._task = self._shown.add_task(stage, total=total, estimate=Left(self._estimate))

    def advance(self, amount: int) -> None:
        """Report more units done in the current stage."""
        if self._task is not None:
            self._estimate.advance(amount)
            self._shown.advance(self._task, amount)

    def finish(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._estimate.finish()
            self._shown.remove_task(self._task)
            self._task = None


class Left:
    """The time left as text, worked out anew whenever it is drawn."""

    def __init__(self, estimate: Estimate) -> None:
        self._estimate = estimate

    def __str__(self) -> str:
        return wording(self._estimate.remaining())


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "RenderableType":
    """Lay out a table; text in it is never read as markup."""
    from rich.table import Table
    from rich.text import Text

    laid_out = Table(box=None, pad_edge=False)
    for column in columns:
        laid_out.add_column(column, overflow="fold")
    for row in rows:
        laid_out.add_row(*map(Text, row))
    return laid_out


def show(what: "RenderableType", stream: TextIO) -> None:
    """Print; where the stream is no terminal, wide enough to be read by programs."""
    from rich.console import Console

    width = None if stream.isatty() else 160
    Console(file=stream, width=width, highlight=False).print(what)
