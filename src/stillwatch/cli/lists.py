"""`stillwatch lists`: networks and mail domains from sources that the user names."""

import gzip
import hashlib
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command, Group
from stillwatch.cli.files import replacing
from stillwatch.cli.screen import Screen, table
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    from stillwatch.events.list_sources import Parsed
    from stillwatch.events.lists import Built, ListSource


@click.group(name="lists", cls=Group, examples=["stillwatch lists build sources/"])
def command() -> None:
    """Build the lists that some signals need.

    Lists of hosting and VPN networks and of disposable mail: Stillwatch ships no third-party data.
    Without a list its signal is off, visibly.
    """


@command.command(
    cls=Command,
    examples=[
        "stillwatch lists build sources/",
        "stillwatch lists build sources/ --out lists/ --json",
    ],
)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=options.FOLDER,
    help="Folder to write to; by default where scan looks for lists.",
)
@options.as_json
@options.quiet
def build(directory: Path, out: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Build lists from the files in a folder.

    Files in DIRECTORY are recognised by name and content, plain or gzip: address lists (CIDR,
    first-last or single), lists of autonomous systems, mail domains, as text, CSV, JSON or MISP
    warning list. The name of a network list must say hosting or vpn; that of a domain list
    disposable.
    """
    import pyarrow.parquet as pq

    from stillwatch.events import list_sources, lists

    screen = Screen(quiet=quiet)
    target = out or load_settings().lists
    parsed, sources = read_sources(directory, screen)
    table = list_sources.merge(parsed)
    # The one clock of the command line: when the lists were built, for `doctor` to tell their age.
    moment = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251
    built = lists.Built(built=moment, sources=sources)
    metadata = {lists.SOURCES_KEY: msgspec.json.encode(built)}
    with replacing(target / lists.FILE) as path:
        pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")
    report(built, screen)
    screen.say(f"wrote {count(len(table), 'entry', 'entries')} to {target / lists.FILE}")
    if as_json:
        click.echo(msgspec.json.encode(built).decode())


def read_sources(directory: Path, screen: Screen) -> "tuple[list[Parsed], list[ListSource]]":
    """Parse each file in a folder, saying which were not recognised.

    Raises:
        InputError: No file was recognised.
    """
    from stillwatch.events.list_sources import Unrecognised, parse_source
    from stillwatch.events.lists import ListSource

    parsed, sources = [], []
    for path in sorted(p for p in directory.iterdir() if p.is_file()):
        data = _content(path)
        source = parse_source(path.name, data.decode("utf-8", errors="replace"))
        if isinstance(source, Unrecognised):
            screen.say(f"not used: {path.name} {source.why}")
            continue
        digest = hashlib.sha256(data).hexdigest()
        entries, skipped = len(source.entries), source.skipped
        sources.append(ListSource(path.name, digest, source.taken_for, entries, skipped))
        parsed.append(source)
    if not any(source.list_name for source in parsed):
        raise InputError(
            f"{directory} holds no list that was recognised: docs/guide/lists.md shows the formats"
        )
    return parsed, sources


def report(built: "Built", screen: Screen) -> None:
    """Show what each source was taken for."""
    rows = [
        (source.file, source.taken_for, f"{source.entries:,}", f"{source.skipped:,}")
        for source in built.sources
    ]
    screen.show(table(("source", "taken for", "entries", "lines not read"), rows))


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} is a damaged gzip file: fetch it again") from error
