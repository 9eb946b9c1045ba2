"""`stillwatch doctor`: what is installed, which lists and caches are there, what is off and why."""

import platform
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.exits import DONE, FAULT
from stillwatch.cli.keys import own_key_file, read_key
from stillwatch.cli.screen import show, table
from stillwatch.detect.wording import count
from stillwatch.errors import StillwatchError
from stillwatch.settings import Settings, load_settings
from stillwatch.version import __version__

STALE_DAYS: Final = 30
"""Age from which lists are called old."""
LEAST_DISK_GB: Final = 1.0
LEAST_MEMORY_GB: Final = 2.0

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+).*?(?:extra\s*==\s*['\"]([^'\"]+)['\"])?$")


class State(StrEnum):
    """How a check came out; only `WRONG` makes the exit code 1."""

    OK = "ok"
    OFF = "off"
    WRONG = "wrong"


class Check(msgspec.Struct, frozen=True):
    """One line of the doctor's report; `mend` says what to do where something is off or wrong."""

    name: str
    state: State
    detail: str
    mend: str = ""


@click.command(
    name="doctor", cls=Command, examples=["stillwatch doctor", "stillwatch doctor --json"]
)
@options.as_json
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Check what is installed and what is off.

    Exits 0 if a scan can run and 1 if something is wrong. What is merely off (no lists, no key of
    your own) is said with what turns it on.
    """
    checks = list(all_checks())
    if as_json:
        click.echo(msgspec.json.encode(checks).decode())
    else:
        rows = [(check.name, check.state, check.detail, check.mend) for check in checks]
        show(table(("check", "state", "found", "mend"), rows), sys.stdout)
    ctx.exit(FAULT if any(check.state is State.WRONG for check in checks) else DONE)


def all_checks() -> Iterator[Check]:
    """Run every check; those that need settings only where the settings can be read."""
    yield Check("stillwatch", State.OK, f"{__version__}, Python {platform.python_version()}")
    yield from packages()
    yield kernels()
    yield disk()
    yield memory()
    try:
        settings = load_settings()
    except StillwatchError as error:
        # The message begins with what is wrong: the environment's variable, or a file.
        where = str(error).partition(":")[0]
        named = where.startswith("STILLWATCH_")
        mend = f"set {where} to another value or unset it" if named else "mend the file"
        yield Check("settings", State.WRONG, str(error), mend)
        return
    read = ", ".join(str(path) for path in settings.sources) or "no file; defaults hold"
    yield Check("settings", State.OK, read)
    yield key(settings)
    yield from lists(settings)
    yield from entity_lists(settings)


def packages() -> Iterator[Check]:
    """Check that the packages of the base installation and of each extra are there."""
    wanted: dict[str, list[str]] = {}
    for requirement in requires("stillwatch") or ():
        match = _REQUIREMENT.match(requirement)
        if match:
            wanted.setdefault(match[2] or "", []).append(match[1])
    for extra, names in wanted.items():
        found = {name: _version(name) for name in names}
        missing = [name for name, number in found.items() if number is None]
        detail = ", ".join(f"{name} {number}" for name, number in found.items() if number)
        if not extra:
            mend = f"install {', '.join(missing)}" if missing else ""
            yield Check("packages", State.WRONG if missing else State.OK, detail, mend)
        elif missing:
            why = f"{', '.join(missing)} not installed"
            yield Check(f"extra {extra}", State.OFF, why, f"pip install 'stillwatch[{extra}]'")
        else:
            yield Check(f"extra {extra}", State.OK, detail)


def kernels() -> Check:
    """Check whether the compiled kernels are cached."""
    from stillwatch.events.fingerprint import kernels_cached

    if kernels_cached():
        return Check("kernels", State.OK, "compiled and cached")
    return Check("kernels", State.OFF, "not compiled yet", "the first scan compiles them once")


def disk() -> Check:
    """Check the room in the working directory."""
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    state = State.OK if free >= LEAST_DISK_GB else State.WRONG
    mend = "" if state is State.OK else "free some space; fingerprints take about 200 bytes each"
    return Check("disk", state, f"{free:,.1f} GB free here", mend)


def memory() -> Check:
    """Check the memory that programs can still take, where the system tells it (Linux)."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return Check("memory", State.OK, f"not told by {sys.platform}")
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    free = kilobytes / 1e6
    state = State.OK if free >= LEAST_MEMORY_GB else State.WRONG
    mend = "" if state is State.OK else "close other programs or scan shorter periods"
    return Check("memory", state, f"{free:,.1f} GB available", mend)


def key(settings: Settings) -> Check:
    """Check the key file that would be used."""
    path = settings.key_file or own_key_file(settings)
    if settings.key_file is None and not path.is_file():
        return Check("key", State.OFF, "none of your own yet", f"stillwatch key new {path}")
    try:
        read_key(path)
    except StillwatchError as error:
        return Check("key", State.WRONG, str(error))
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Check("key", State.WRONG, f"others can read {path}", f"chmod 600 {path}")
    return Check("key", State.OK, str(path))


def lists(settings: Settings) -> Iterator[Check]:
    """Check which lists are built, how old they are, and which signals are off without them."""
    from stillwatch.events.lists import DisposableDomains, NetworkLists, built

    mend = "stillwatch lists build DIR (docs/guide/lists.md)"
    try:
        networks = NetworkLists.load(settings.lists)
        domains = DisposableDomains.load(settings.lists)
        origin = built(settings.lists)
    except StillwatchError as error:
        yield Check("lists", State.WRONG, str(error))
        return
    if origin is not None:
        days = (datetime.now(UTC) - datetime.fromisoformat(origin.built)).days  # noqa: TID251 - age
        state = State.OFF if days > STALE_DAYS else State.OK
        detail = f"{len(origin.sources)} sources, built {days} days ago in {settings.lists}"
        yield Check("lists", state, detail, mend if state is State.OFF else "")
    for name, on in (("hosting and VPN networks", networks.on), ("disposable mail", domains.on)):
        if on:
            yield Check(name, State.OK, "listed")
        else:
            yield Check(name, State.OFF, "no list, so this signal is off", mend)


def entity_lists(settings: Settings) -> Iterator[Check]:
    """Check which entity lists screening would read, how large and how old each is."""
    from stillwatch.detect.screening.readers.folder import read_lists

    folder = settings.entity_lists
    name = "entity lists"
    if folder is None:
        mend = "set entity_lists (docs/guide/screening.md), or give screen --lists"
        yield Check(name, State.OFF, "no folder set", mend)
        return
    if not folder.is_dir():
        mend = "put entity lists there or mend entity_lists"
        yield Check(name, State.WRONG, f"{folder} is no folder", mend)
        return
    try:
        found, others = read_lists(folder)
    except StillwatchError as error:
        yield Check(name, State.WRONG, str(error))
        return
    today = datetime.now(UTC).date()  # noqa: TID251 - age
    for file in found:
        dated = f", newest entry of {file.dated}" if file.dated else ""
        size = count(len(file.entries), "entry", "entries")
        faults = f", {count(len(file.faults), 'row')} not read" if file.faults else ""
        detail = f"{file.format}: {size}, file of {file.modified}{dated}{faults}"
        stale = file.is_stale(today)
        mend = f"older than {STALE_DAYS} days: fetch it again" if stale else ""
        yield Check(f"entity list {file.file}", State.OFF if stale else State.OK, detail, mend)
    for other in others:
        mend = "docs/guide/screening.md shows the formats; move it away"
        yield Check(f"entity list {other.file}", State.OFF, "no list that is known", mend)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
