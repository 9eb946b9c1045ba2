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
from stillwatch.cli.jobs import compile_kernels
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen, table
from stillwatch.detect.wording import count
from stillwatch.errors import ConfigError, InputError
from stillwatch.settings import Settings, load_settings

if TYPE_CHECKING:
    from stillwatch.events.list_sources import Parsed
    from stillwatch.events.lists import Built, ListSource
    from stillwatch.events.warning_sources import WarningSource


@click.group(name="lists", cls=Group, examples=["stillwatch lists build sources/"])
def command() -> None:
    """Build the lists that some signals need.

    Lists of hosting and VPN networks, of disposable mail, and of public prompts that signatures
    must not hit: Stillwatch ships no third-party data. Without a list its signal is off, visibly.
    """


@command.command(
    cls=Command,
    examples=[
        "stillwatch lists build sources/",
        "stillwatch lists build sources/ --out lists/ --json",
        "stillwatch lists build public-prompts/ --key-file forum.key",
    ],
)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=options.FOLDER,
    help="Folder to write to; by default where scan looks for lists.",
)
@options.key_file
@options.as_json
@options.quiet
def build(
    directory: Path, out: Path | None, key_file: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """Build lists from the files in a folder.

    Files in DIRECTORY are recognised by name and content, plain or gzip: address lists (CIDR,
    first-last or single), lists of autonomous systems, mail domains, as text, CSV, JSON or MISP
    warning list. The name of a network list must say hosting or vpn; that of a domain list
    disposable. Public prompts, default parameters and names of clients make the warning list that
    signatures are held against; their names must say prompt, question, benchmark, parameter, client
    or ja4. It holds no text but fingerprints under the forum's key, --key-file.
    """
    import pyarrow.parquet as pq

    from stillwatch.events import list_sources, lists

    screen = Screen(quiet=quiet)
    settings = load_settings().with_options(key_file=key_file)
    target = out or settings.lists
    parsed, sources, warnings = read_sources(directory, screen)
    if warnings:
        write_warnings(warnings, settings, target, screen)
    # The one clock of the command line: when the lists were built, for `doctor` to tell their age.
    moment = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251
    built = lists.Built(built=moment, sources=sources)
    metadata = {lists.SOURCES_KEY: msgspec.json.encode(built)}
    report(built, screen)
    if parsed:
        table = list_sources.merge(parsed)
        with replacing(target / lists.FILE) as path:
            pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")
        screen.say(f"wrote {count(len(table), 'entry', 'entries')} to {target / lists.FILE}")
    if as_json:
        click.echo(msgspec.json.encode(built).decode())


def write_warnings(
    warnings: "list[WarningSource]", settings: Settings, target: Path, screen: Screen
) -> None:
    """Write the warning list.

    Raises:
        ConfigError: No key was named.
    """
    import pyarrow.parquet as pq

    from stillwatch.events.key import Key
    from stillwatch.events.warning_list import FILE, warning_table

    if settings.key_file is None:
        raise ConfigError("a warning list is made under the forum's key: name it with --key-file")
    key = Key.from_secret(read_key(settings.key_file))
    compile_kernels(key, screen)
    table = warning_table([(source.sort, source.entries) for source in warnings], key)
    with replacing(target / FILE) as path:
        pq.write_table(table, path, compression="zstd")
    screen.say(f"wrote {count(len(table), 'value')} to {target / FILE}")


def read_sources(
    directory: Path, screen: Screen
) -> "tuple[list[Parsed], list[ListSource], list[WarningSource]]":
    """Parse each file in a folder, saying which were not recognised.

    Raises:
        InputError: No file was recognised.
    """
    from stillwatch.events.list_sources import Unrecognised, parse_source
    from stillwatch.events.lists import ListSource
    from stillwatch.events.warning_sources import parse_warning

    parsed, sources, warnings = [], [], []
    for path in sorted(p for p in directory.iterdir() if p.is_file()):
        data = _content(path)
        text = data.decode("utf-8", errors="replace")
        source = parse_source(path.name, text)
        digest = hashlib.sha256(data).hexdigest()
        if isinstance(source, Unrecognised):
            warning = parse_warning(path.name, text)
            if warning is None:
                screen.say(f"not used: {path.name} {source.why}")
                continue
            known, skipped = len(warning.entries), warning.skipped
            sources.append(ListSource(path.name, digest, warning.sort.value, known, skipped))
            warnings.append(warning)
            continue
        entries, skipped = len(source.entries), source.skipped
        sources.append(ListSource(path.name, digest, source.taken_for, entries, skipped))
        parsed.append(source)
    if not warnings and not any(source.list_name for source in parsed):
        raise InputError(
            f"{directory} holds no list that was recognised: docs/guide/lists.md shows the formats"
        )
    return parsed, sources, warnings


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
