"""`stillwatch attribute`: who may be behind a campaign, with evidence and with "unknown"."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.files import check_files, replacing
from stillwatch.cli.jobs import compile_kernels, own_secret
from stillwatch.cli.screen import Screen, show, table
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind
from stillwatch.settings import Settings, load_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.detect.results import ScanResult
    from stillwatch.share.attribution.claims import Claim
    from stillwatch.share.attribution.collect import Log
    from stillwatch.share.attribution.likeness import Likeness
    from stillwatch.share.attribution.rank import Attribution, Candidate
    from stillwatch.share.attribution.received import Received
    from stillwatch.share.attribution.trace import Record, Traces

SUSPECT: Final = frozenset({Kind.EXTRACTION, Kind.RELAY, Kind.UNKNOWN})
"""Kinds whose accounts do not count as benign."""
SHOWN: Final = 5
"""Candidates on screen."""
PIECES: Final = 3
"""Pieces of evidence for, and against, on screen."""


@click.command(
    name="attribute",
    cls=Command,
    examples=[
        "stillwatch attribute 'result#sw-3fe2b914' --events logs/ --accounts a.csv --known known",
        "stillwatch attribute 'result#sw-3fe2b914' --accounts a.csv --lists entity-lists/",
        "stillwatch attribute 'result#sw-3fe2b914' --events w.parquet --received theirs --json",
        "stillwatch attribute 'result#sw-3fe2b914' --accounts a.csv --known k --record A --by Ada",
    ],
)
@click.argument("target", metavar="DIR#CAMPAIGN")
@click.option("--events", multiple=True, help="Logs of the scan; can be repeated.")
@options.accounts
@click.option("--known", type=options.FOLDER, help="Folder of campaigns whose operator is known.")
@click.option(
    "--received",
    type=options.FOLDER,
    multiple=True,
    help="Folder of `share import`; can be repeated.",
)
@click.option("--lists", type=options.FOLDER, help="Entity lists that you fetched, as for screen.")
@click.option("--record", metavar="NAME", help="Record in --known that NAME ran it; ranks nothing.")
@click.option("--by", metavar="NAME", help="Who says so; for --record.")
@click.option("--note", default="", help="Why; for --record.")
@click.option("--out", type=options.FILE, help="JSON file to write to.")
@options.log_format
@options.key_file
@options.as_json
@options.quiet
def command(
    target: str,
    *,
    events: tuple[str, ...],
    accounts: Path | None,
    known: Path | None,
    received: tuple[Path, ...],
    lists: Path | None,
    record: str | None,
    by: str | None,
    note: str,
    out: Path | None,
    log_format: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Rank candidate operators of a campaign.

    DIR is the result of a scan. Candidates are operators that people have recorded, campaigns of
    other members, and organisations that the accounts name. Each has its evidence, for and against,
    and a confidence that is calibrated on simulated campaigns; "unknown" is always among the
    answers. It is evidence for a person and no verdict. Country, language and nationality are not
    looked at. Identifiers are compared under your key and never shown.
    """
    from stillwatch.detect.store import read_result
    from stillwatch.share.attribution.likeness import known as prepared
    from stillwatch.share.attribution.rank import rank, suspects
    from stillwatch.share.attribution.store import add_record, read_records
    from stillwatch.share.attribution.trace import record as recorded
    from stillwatch.share.attribution.weights import shipped

    folder, _, name = target.partition("#")
    if not folder or not name:
        raise click.BadParameter("give the folder and the campaign, as in result#sw-3fe2b914")
    _check(events, accounts, known, lists=lists, received=received, record=record, by=by)
    check_files(out)
    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    result = read_result(Path(folder))
    members = result.campaign(name).accounts
    operators = read_records(known) if known is not None and record is None else []
    with tempfile.TemporaryDirectory(prefix="stillwatch-") as temporary:
        logs = Logs(events, log_format, Path(temporary))
        seen = look(result, name, logs, accounts, settings=settings, screen=screen)
    if record is not None and known is not None:
        kept = recorded(
            seen.traces, operator=record, campaign=name, by=by or "", note=note,
            time=datetime.now(UTC),  # noqa: TID251 - the edge where the clock is read
        )  # fmt: skip
        add_record(known, kept)
        values = sum(map(len, kept.values.values()))
        screen.say(f"recorded in {known}: {record} ran {name}, by {count(values, 'value')}")
        if as_json:
            click.echo(msgspec.json.encode(kept).decode())
        return
    others = [one for one in operators if one.campaign != name]
    _say_keys(others, seen.traces, screen)
    campaigns = theirs(received, seen, members, screen)
    claims = named(seen.accounts, members, result, lists, screen)
    found = rank(
        name, seen.traces, suspects(seen.traces, prepared(others), claims, campaigns), shipped()
    )
    document = msgspec.json.encode(found)
    if out:
        with replacing(out) as path:
            path.write_bytes(document + b"\n")
        screen.say(f"wrote {out}")
    if as_json:
        click.echo(document.decode())
    else:
        show_ranking(found)


def _check(
    events: tuple[str, ...],
    accounts: Path | None,
    known: Path | None,
    *,
    lists: Path | None,
    received: tuple[Path, ...],
    record: str | None,
    by: str | None,
) -> None:
    """Refuse options that do not go together, before any work."""
    if not events and accounts is None:
        raise click.UsageError("give --events, --accounts or both: there is nothing to compare")
    if record is not None and (known is None or not by or not record.strip()):
        raise click.UsageError("--record needs --known, where to, and --by, who says so")
    if lists is not None and accounts is None:
        raise click.UsageError("--lists needs --accounts: names and domains stand there")
    if received and not events:
        raise click.UsageError("--received needs --events: signatures match those")


class Logs(NamedTuple):
    """Logs, their format, and a folder for what is read of them."""

    paths: tuple[str, ...]
    format: str
    folder: Path


class Looked(NamedTuple):
    """What was read of a campaign: its traces, its fingerprints, the accounts table."""

    traces: "Traces"
    rows: "pa.Table | None"
    accounts: "pa.Table | None"


def look(
    result: "ScanResult",
    campaign: str,
    logs: Logs,
    accounts: Path | None,
    *,
    settings: Settings,
    screen: Screen,
) -> Looked:
    """Read the traces of a campaign from logs and accounts."""
    from stillwatch.events.key import Key
    from stillwatch.events.readers.accounts import read_accounts
    from stillwatch.events.schema import SCREENED_ACCOUNTS
    from stillwatch.share.attribution.collect import collect

    members = result.campaign(campaign).accounts
    suspected = {a for c in result.campaigns if c.kind in SUSPECT for a in c.accounts} | {*members}
    # What identifies accounts stays under a key that no other member has.
    own = Key.from_secret(own_secret(replace(settings, key_file=None), screen))
    listed = read_accounts(accounts, columns=SCREENED_ACCOUNTS) if accounts else None
    keys, rows, benign = {"own": own.id}, None, None
    if logs.paths:
        secret = own_secret(settings, screen)
        rows, benign, keys["log"] = spooled(logs, secret, members, suspected, screen)
        if not rows.num_rows:
            raise InputError(f"the logs hold no event of {campaign}: give those of the scan")
    traces = collect(rows, benign, listed, members, suspected, sign=own.sign, keys=keys)
    if not traces.carried and traces.pace is None:
        raise InputError(f"neither logs nor accounts know anything of {campaign}: give its own")
    return Looked(traces, rows, listed)


def spooled(
    logs: Logs, secret: bytes, members: Sequence[str], suspected: set[str], screen: Screen
) -> "tuple[pa.Table, Log, str]":
    """Split a log into the campaign's rows and, in a temporary file, those of benign accounts."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from stillwatch.events.fingerprint import fingerprint_stream
    from stillwatch.events.key import Key
    from stillwatch.events.readers.log import open_log
    from stillwatch.events.readers.rejects import Rejects
    from stillwatch.events.schema import FINGERPRINTS
    from stillwatch.share.attribution import trace
    from stillwatch.share.signatures import families

    columns = list(dict.fromkeys((*families.NEEDED, *trace.NEEDED)))
    schema = pa.schema([FINGERPRINTS.field(name) for name in columns])
    own, others = pa.array(members), pa.array(sorted(suspected))
    rejects = Rejects()
    log = open_log(logs.paths, format=logs.format, rejects=rejects)
    stream: Iterable[pa.RecordBatch] = log
    key_id = log.key_id
    if log.contract == "events":
        key = Key.from_secret(secret)
        compile_kernels(key, screen)
        stream, key_id = fingerprint_stream(log, key, columns=columns), key.id
    if key_id is None:
        raise InputError(
            "the fingerprints do not say under which key they are: make them with "
            "`stillwatch ingest --key-file KEY`"
        )
    rows, path = [], logs.folder / "benign.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for whole in stream:
            batch = whole.select(columns)
            account = batch.column("account_id")
            rows.append(batch.filter(pc.is_in(account, own)))
            writer.write_batch(batch.filter(pc.invert(pc.is_in(account, others))))
    if rejects.total:
        screen.say(f"{count(rejects.total, 'row')} could not be read")
    kept = pq.ParquetFile(path)

    def benign() -> "Iterator[pa.RecordBatch]":
        yield from kept.iter_batches()

    return pa.Table.from_batches(rows, schema), benign, key_id


def _say_keys(records: "Sequence[Record]", traces: "Traces", screen: Screen) -> None:
    """Say where records cannot be compared because they are under other keys."""
    for key, what in (("own", "accounts"), ("log", "events")):
        apart = sum(key in r.keys and r.keys.get(key) != traces.keys.get(key) for r in records)
        if apart and key in traces.keys:
            screen.say(
                f"note: {count(apart, 'recorded campaign')} cannot be compared by its {what}: they "
                "are under another key"
            )


def theirs(
    folders: Sequence[Path], seen: Looked, members: Sequence[str], screen: Screen
) -> "list[tuple[Received, Likeness]]":
    """Match the signatures of other members' campaigns; those under another key are left out."""
    from stillwatch.share.attribution.received import matched, received
    from stillwatch.share.stix.store import BUNDLE, read_bundle

    found, apart = [], 0
    for folder in folders:
        for one in received(read_bundle(folder / BUNDLE)):
            fitting = tuple(s for s in one.signatures if s.key_id == seen.traces.keys.get("log"))
            apart += len(one.signatures) - len(fitting)
            if fitting:
                found.append(msgspec.structs.replace(one, signatures=fitting))
    if apart:
        screen.say(
            f"note: {count(apart, 'signature')} left out: the log is not under the forum's key; "
            "name it with --key-file"
        )
    if seen.rows is None or not found:
        return []
    likenesses = matched(found, seen.rows.to_batches(), members)
    return list(zip(found, likenesses, strict=True))


def named(
    accounts: "pa.Table | None",
    members: Sequence[str],
    result: "ScanResult",
    lists: Path | None,
    screen: Screen,
) -> "list[Claim]":
    """Organisations that the accounts name, beside entity lists where there are any."""
    if accounts is None:
        return []
    import pyarrow as pa
    import pyarrow.compute as pc

    from stillwatch.share.attribution.claims import claims

    matches = []
    if lists is not None:
        from stillwatch.detect.screening import extra

        extra.require()
        from stillwatch.detect.screening.matches import screen as compared
        from stillwatch.detect.screening.readers.folder import read_lists

        read, others = read_lists(lists)
        for other in others:
            screen.say(f"not used: {other.file} is no list that is known")
        entries = [entry for file in read for entry in file.entries]
        own = accounts.filter(pc.is_in(accounts["account_id"], pa.array(members)))
        matches = compared(own, entries)
    suspected = {a for c in result.campaigns if c.kind in SUSPECT for a in c.accounts}
    return claims(accounts, members, suspected, matches)


def show_ranking(found: "Attribution") -> None:
    """Print the answer, the candidates with their evidence, and what is left for "unknown"."""
    import sys

    click.echo(f"{found.campaign}, {count(found.accounts, 'account')}: {found.answer}")
    click.echo(found.note)
    rows = [_row(one) for one in found.candidates[:SHOWN]]
    rows.append(("", "unknown: none of these", f"{found.unknown:.0%}", "", ""))
    columns = ("", "candidate", "confidence", "speaks for it", "speaks against it")
    show(table(columns, rows), sys.stdout)
    if (more := len(found.candidates) - SHOWN) > 0:
        click.echo(f"{count(more, 'more candidate')}: see --json")
    if found.not_looked_at:
        click.echo(f"not compared, for nothing was there: {', '.join(found.not_looked_at)}")


def _row(one: "Candidate") -> tuple[str, ...]:
    lines = [each.words for each in one.evidence[:PIECES]]
    lines += [
        f"matches {entry.entry} on {entry.list_name} ({entry.score:.2f}); this weighs nothing"
        for entry in one.listed[:1]
    ]
    return (
        str(one.rank),
        one.name,
        f"{one.confidence:.0%}",
        "\n".join(lines) or "nothing",
        "\n".join(each.words for each in one.against[:PIECES]) or "nothing",
    )
