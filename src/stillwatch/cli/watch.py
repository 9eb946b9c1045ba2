"""`stillwatch watch`: the analysis of a scan on a stream."""

import re
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.exits import DONE, STOPPED
from stillwatch.cli.jobs import compile_kernels, identity_of, lists_of
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen
from stillwatch.detect import wording
from stillwatch.detect.progress import Silent
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    from stillwatch.detect.progress import Progress
    from stillwatch.detect.watch.announce import Announcement
    from stillwatch.detect.watch.watch import Status


class Days(click.ParamType[int]):
    """A number of days, as in 28d."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the number."""
        match = re.fullmatch(r"([1-9][0-9]{0,3})d?", str(value))
        if match is None:
            self.fail(f"{value} is no number of days: give 28d", param, ctx)
        return int(match[1])


@click.command(
    name="watch",
    cls=Command,
    examples=[
        "stillwatch watch logs/ --state state --accounts accounts.parquet",
        "stillwatch watch - --state state --json > announcements.jsonl",
        "stillwatch watch 'redis://localhost:6379/0?stream=events&group=stillwatch' --state state",
        "stillwatch watch logs/ --state state --once --quiet",
    ],
)
@click.argument("source", metavar="SOURCE")
@click.option("--state", type=options.FOLDER, required=True, help="Folder of the state.")
@options.accounts
@click.option("--window", type=Days(), help="Days that are kept; 28d for a new state.")
@click.option(
    "--batch",
    type=click.FloatRange(min=0.05),
    default=5.0,
    show_default=True,
    help="Seconds for which events are collected.",
)
@click.option(
    "--every",
    type=click.FloatRange(min=0.05),
    default=30.0,
    show_default=True,
    help="Seconds between analyses, at least.",
)
@click.option("--once", is_flag=True, help="Take what is there, analyse, and end.")
@options.log_format
@options.reference
@options.exempt
@options.lists
@options.prices
@options.key_file
@options.account_from
@click.option("--json", "as_json", is_flag=True, help="Print announcements as JSON lines.")
@options.quiet
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str,
    state: Path,
    *,
    accounts: Path | None,
    window: int | None,
    batch: float,
    every: float,
    once: bool,
    log_format: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Find campaigns in a stream as they appear.

    SOURCE is a folder that grows, - for JSON lines on standard input, or the address of a Redis
    stream. Each new campaign is announced once, and keeps its id as it grows, shrinks and moves.
    What was found is in STATE/result, as a scan writes it. A watch that was stopped or killed goes
    on where it was.
    """
    from stillwatch.detect.watch.start import watch
    from stillwatch.detect.watch.watch import Pace
    from stillwatch.events.key import Key

    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    secret = read_key(settings.key_file) if settings.key_file else None
    key = Key.from_secret(secret) if secret else Key.public()
    compile_kernels(key, screen)
    stopping = Stopping()
    with stopping, Teller(screen, as_json=as_json) as teller:
        watch(
            source,
            state,
            listener=teller,
            accounts=accounts,
            reference=settings.reference,
            exempt=settings.exempt,
            lists=lists_of(settings),
            prices=settings.prices,
            key=key,
            identity=identity_of(settings, secret),
            log_format=log_format,
            window=window,
            pace=Pace(batch=batch, every=every),
            once=once,
            stop=stopping,
        )
    if stopping():
        screen.say("stopped; what was read is kept, and the next watch goes on from there")
    ctx.exit(STOPPED if stopping.signal == signal.SIGINT else DONE)


class Stopping:
    """Turns the first Ctrl-C or SIGTERM into a wish to stop; a second Ctrl-C stops at once."""

    signal: int | None = None

    def __enter__(self) -> None:
        self._before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        """Whether the watch should stop."""
        return self.signal is not None

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number


class Teller:
    """Tells announcements on stdout, and everything else on stderr."""

    def __init__(self, screen: Screen, *, as_json: bool) -> None:
        self.progress: Progress = Silent()
        self._screen = screen
        self._as_json = as_json
        self._shown = sys.stderr.isatty() and not screen.quiet
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def say(self, text: str) -> None:
        """Print a message."""
        self._clear()
        self._screen.say(text)

    def announce(self, announcement: "Announcement") -> None:
        """Print an announcement, as JSON or in words."""
        self._clear()
        line = (
            msgspec.json.encode(announcement).decode() if self._as_json else in_words(announcement)
        )
        click.echo(line)
        sys.stdout.flush()

    def status(self, status: "Status") -> None:
        """Show how it is going, on a terminal, on one line that is written over."""
        if not self._shown:
            return
        parts = [
            wording.count(status.events, "event"),
            f"{status.rate:,.0f} a second",
            status.behind or "nothing waits",
            wording.count(status.campaigns, "campaign"),
        ]
        line = " · ".join(parts)
        click.echo("\r" + line.ljust(self._width), nl=False, err=True)
        self._width = len(line)

    def _clear(self) -> None:
        if self._width:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)
            self._width = 0


def in_words(said: "Announcement") -> str:
    """Say an announcement on one line."""
    when = f"{said.time:%Y-%m-%d %H:%M:%S}"
    if said.what == "merged" or said.kind is None:
        return f"{when}  {said.campaign_id}  is part of {said.into} now"
    aim = f" of {said.objective}" if said.objective else ""
    named = wording.a_kind(said.kind) if said.what == "kind" else wording.KIND_NAMES[said.kind][0]
    told = "is now " if said.what == "kind" else ""
    return (
        f"{when}  {said.campaign_id}  {told}{named}{aim}: {wording.count(said.size, 'account')}, "
        f"{wording.count(said.events, 'event')}, coordination {wording.sure(said.q_coordination)}"
    )
