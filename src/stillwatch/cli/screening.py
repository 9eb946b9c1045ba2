"""`stillwatch screen`: accounts against entity lists, as evidence for a person."""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.files import check_files, replacing
from stillwatch.cli.screen import Screen, show, table
from stillwatch.detect.wording import count, day
from stillwatch.errors import InputError
from stillwatch.settings import Settings, load_settings

if TYPE_CHECKING:
    from stillwatch.detect.screening.entries import ListFile
    from stillwatch.detect.screening.matches import Match
    from stillwatch.detect.screening.readers.folder import Unrecognised

NOTE: Final = (
    "A match is evidence for a person to check, one reason among others; it is not a verdict, and "
    "it changes no risk."
)
_FAULTS_SHOWN: Final = 5


@click.command(
    name="screen",
    cls=Command,
    examples=[
        "stillwatch screen accounts.parquet --lists entity-lists/",
        "stillwatch screen accounts.csv --near",
        "stillwatch screen accounts.jsonl --lists entity-lists/ --json > matches.json",
    ],
)
@click.argument("accounts", type=options.FILE)
@click.option(
    "--lists",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of entity lists that you fetched (default: the setting entity_lists); formats: "
    "docs/guide/screening.md.",
)
@click.option("--out", type=options.FILE, help="JSON file to write matches and near misses to.")
@click.option("--near", is_flag=True, help="Show near misses too, apart from matches.")
@options.as_json
@options.quiet
def command(
    accounts: Path, lists: Path | None, out: Path | None, *, near: bool, as_json: bool, quiet: bool
) -> None:
    """Screen accounts against entity lists.

    ACCOUNTS is the table of accounts, with org_name or email_domain, and org_domain and org_address
    where known. Names, aliases, addresses and domains are compared, in any script; countries never.
    A match is evidence for a person to check and not a verdict.
    """
    from stillwatch.detect.screening import extra

    extra.require()
    from stillwatch.detect.screening.matches import STAGES, Level, screen
    from stillwatch.detect.screening.readers.folder import read_lists
    from stillwatch.events.readers.accounts import read_accounts
    from stillwatch.events.schema import SCREENED_ACCOUNTS

    shown = Screen(quiet=quiet)
    check_files(out)
    read, others = read_lists(folder_of(load_settings().with_options(entity_lists=lists)))
    # The clock of the command line: how old the lists are.
    report_lists(read, others, datetime.now(UTC).date(), shown)  # noqa: TID251
    listed = read_accounts(accounts, columns=SCREENED_ACCOUNTS)
    entries = [entry for file in read for entry in file.entries]
    with shown.bars(STAGES) as progress:
        found = screen(listed, entries, progress=progress)
    matches = [match for match in found if match.level is Level.MATCH]
    near_misses = [match for match in found if match.level is Level.NEAR_MISS]
    document = msgspec.json.encode(
        {
            "note": NOTE,
            "lists": [summary(file) for file in read],
            "not_recognised": [file.file for file in others],
            "accounts": listed.num_rows,
            "matches": matches,
            "near_misses": near_misses,
        }
    )
    if out:
        with replacing(out) as path:
            path.write_bytes(document + b"\n")
        shown.say(f"wrote {out}")
    if as_json:
        click.echo(document.decode())
    else:
        show_matches(matches, near_misses, near=near)
    shown.say(
        f"{count(listed.num_rows, 'account')}: {count(len(matches), 'match', 'matches')}, "
        f"{count(len(near_misses), 'near miss', 'near misses')}. {NOTE}"
    )


def folder_of(settings: Settings) -> Path:
    """The folder of entity lists that was named.

    Raises:
        InputError: None was named, or it is not there.
    """
    folder = settings.entity_lists
    if folder is None:
        raise InputError(
            "no folder of entity lists: give --lists DIR, or name one once with the setting "
            "entity_lists"
        )
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: put entity lists there or mend entity_lists")
    return folder


def summary(file: "ListFile") -> dict[str, object]:
    """What the JSON says of one file."""
    return {
        "file": file.file,
        "format": file.format,
        "entries": len(file.entries),
        "compared": sum(entry.compared for entry in file.entries),
        "rows_not_read": len(file.faults),
        "newest_date": file.dated,
        "file_date": file.modified,
    }


def report_lists(
    lists: "Sequence[ListFile]", others: "Sequence[Unrecognised]", today: date, screen: Screen
) -> None:
    """Say what each file was taken for, how old it is, and what could not be read."""
    rows = [
        (
            file.file,
            file.format,
            f"{len(file.entries):,}",
            f"{sum(entry.compared for entry in file.entries):,}",
            file.dated.isoformat() if file.dated else "none named",
            file.modified.isoformat(),
        )
        for file in lists
    ]
    columns = ("list", "taken for", "entries", "compared", "newest date inside", "file of")
    screen.show(table(columns, rows))
    for other in others:
        screen.say(f"not used: {other.file} is no list that is known")
    for file in lists:
        for fault in file.faults[:_FAULTS_SHOWN]:
            screen.say(f"not read: {fault.file} row {fault.row} {fault.why}")
        if len(file.faults) > _FAULTS_SHOWN:
            screen.say(f"not read: {len(file.faults) - _FAULTS_SHOWN:,} more rows of {file.file}")
        if file.is_stale(today):
            screen.say(f"{file.file} is of {day_of(file.modified)}: fetch it again")


def day_of(moment: date) -> str:
    """A date as messages write it."""
    return day(datetime(moment.year, moment.month, moment.day, tzinfo=UTC))


def show_matches(matches: "Sequence[Match]", near_misses: "Sequence[Match]", *, near: bool) -> None:
    """Print matches, and near misses apart where they are asked for."""
    click.echo(NOTE)
    _show("Matches", matches)
    if near:
        _show("Near misses: likely others; look before you rule them out", near_misses)
    elif near_misses:
        click.echo(f"{count(len(near_misses), 'near miss', 'near misses')}: show with --near")


def _show(title: str, matches: "Sequence[Match]") -> None:
    click.echo(f"\n{title}: {len(matches):,}")
    if matches:
        columns = ("account", "organisation", "score", "list", "entry", "since", "what matched")
        show(table(columns, [_row(match) for match in matches]), sys.stdout)


def _row(match: "Match") -> tuple[str, ...]:
    since = match.since.isoformat() if match.since else "no date"
    return (
        match.account_id,
        match.org_name,
        f"{match.score:.2f}",
        match.list_name,
        f"{match.entry} ({match.entry_id})",
        f"{since} to {match.until.isoformat()}" if match.until else since,
        "; ".join(match.reasons),
    )
