"""`stillwatch signature extract`: the fewest signatures that cover a campaign."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen, table
from stillwatch.cli.signature_logs import Fingerprints
from stillwatch.detect.wording import count
from stillwatch.errors import ConfigError, InputError
from stillwatch.events.contracts import Kind
from stillwatch.settings import Settings, load_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.detect.results import Campaign, ScanResult
    from stillwatch.share.signatures.extract import Extraction, Log
    from stillwatch.share.signatures.families import Family

SUSPECT = (Kind.EXTRACTION, Kind.RELAY, Kind.UNKNOWN)
"""Kinds whose accounts stand for nobody benign; of these a signature can be made."""


@click.command(
    name="extract",
    cls=Command,
    examples=[
        "stillwatch signature extract 'result#sw-3fe2b914' --events logs/ --forum-key forum.key",
        "stillwatch signature extract 'week#sw-3fe2b914' --events w.parquet --reference v.parquet",
    ],
)
@click.argument("campaign", metavar="DIR#CAMPAIGN")
@click.option("--events", multiple=True, required=True, help="Logs of the scan; can be repeated.")
@click.option(
    "--reference", multiple=True, help="More logs, all benign, to measure on; can be repeated."
)
@signature_logs.forum_key
@signature_logs.store
@click.option(
    "--k",
    type=click.IntRange(min=5),
    default=5,
    show_default=True,
    help="Accounts that must carry each value.",
)
@click.option(
    "--most",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.01,
    show_default=True,
    help="Largest upper limit of the rate of false positives.",
)
@click.option("--created-by", metavar="IDENTITY", help="Your identity in the forum (STIX 2.1).")
@options.lists
@options.log_format
@options.account_from
@options.key_file
@options.as_json
@options.quiet
def command(
    campaign: str,
    events: tuple[str, ...],
    reference: tuple[str, ...],
    forum_key: Path | None,
    signatures: Path,
    *,
    k: int,
    most: float,
    created_by: str | None,
    log_format: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Make the signatures of a campaign.

    Chooses the fewest that cover it, by cover and by false positives measured on accounts that took
    no part in the choice. A value leaves only if --k accounts carry it, it is rare among the other
    accounts of the log, and it is on no warning list (see `stillwatch lists build`). What is
    refused is said with the numbers; a campaign that nothing safe covers gets no signature.
    Signatures are added to a folder as drafts. The log is read under the forum's key, so that the
    scan may stay under your own.
    """
    from stillwatch.detect.store import read_result
    from stillwatch.share.signatures.extract import Limits, Origin, extract
    from stillwatch.share.signatures.lint import is_identity
    from stillwatch.share.signatures.store import SignatureStore

    if created_by and not is_identity(created_by):
        raise click.BadParameter("give an identity of STIX 2.1, as in identity--UUID")
    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    folder, _, name = campaign.partition("#")
    if not folder or not name:
        raise click.BadParameter("give the result and the campaign, as in result#sw-3fe2b914")
    result = read_result(Path(folder))
    found = checked(result.campaign(name))
    opened = partial(
        Fingerprints, log_format=log_format, key_file=forum_key, settings=settings, screen=screen
    )
    log = opened(events)
    more = opened(reference) if reference else None
    if more is not None and more.key_id != log.key_id:
        raise InputError("--events and --reference are under different keys: use one forum key")
    listed = warned(settings, log.key_id, screen, named=given["lists"] is not None)
    with tempfile.TemporaryDirectory(prefix="stillwatch-") as temporary:
        rows, benign = spooled(log, more, suspects(result), found, Path(temporary))
        extraction = extract(
            rows,
            benign,
            Origin(
                key_id=log.key_id,
                made=signature_logs.now().date(),
                objective=found.objective,
                relay=found.kind is Kind.RELAY,
                created_by=created_by,
            ),
            warned=listed,
            limits=Limits(k=k, most=most),
        )
    store = SignatureStore(signatures)
    now = signature_logs.now()
    new = store.add(extraction.signatures)
    if len(new) < len(extraction.signatures):
        new += store.make_own(extraction.signatures, now, "extraction")
    show(extraction, screen)
    lives = store.lives(now)
    for each in extraction.signatures:
        if each not in new:
            life = lives[each.id]
            screen.say(f"{each.id[11:19]} is there already, {life.state.value}: {life.why}")
    screen.say(f"added {count(len(new), 'signature')} to {signatures}")
    if as_json:
        click.echo(msgspec.json.encode(extraction).decode())


def checked(campaign: "Campaign") -> "Campaign":
    """Refuse a campaign of a benign kind.

    Raises:
        InputError: Its kind is benign.
    """
    if campaign.kind not in SUSPECT:
        raise InputError(
            f"{campaign.campaign_id} is of kind {campaign.kind.value}: a signature would accuse "
            "its users; relabel it with `stillwatch judge` if the kind is wrong"
        )
    return campaign


def suspects(result: "ScanResult") -> set[str]:
    """Accounts of a result that stand for nobody benign."""
    return {a for c in result.campaigns if c.kind in SUSPECT for a in c.accounts}


def warned(
    settings: Settings, key_id: str, screen: Screen, *, named: bool
) -> "dict[Family, frozenset[str]]":
    """Read the warning list; say where there is none.

    Raises:
        ConfigError: The user named a folder that has none.
    """
    from stillwatch.events.warning_list import FILE, read_warning
    from stillwatch.share.signatures.families import Family

    if not (settings.lists / FILE).is_file():
        mend = "build one with `stillwatch lists build --key-file FORUM_KEY`"
        if named:
            raise ConfigError(f"{settings.lists} holds no warning list: {mend}")
        screen.say(f"note: no warning list of public prompts; {mend}")
        return {}
    found = read_warning(settings.lists, key_id)
    return {Family(name): values for name, values in found.items()}


def spooled(
    log: Fingerprints,
    reference: Fingerprints | None,
    suspected: set[str],
    campaign: "Campaign",
    folder: Path,
) -> "tuple[pa.Table, Log]":
    """Split a log into the campaign's rows, in memory, and the benign ones, in a temporary file.

    The file holds fingerprints under the forum's key and is read as often as needed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from stillwatch.events.schema import FINGERPRINTS
    from stillwatch.share.signatures.families import NEEDED

    schema = pa.schema([FINGERPRINTS.field(name) for name in NEEDED])
    own, others = pa.array(campaign.accounts), pa.array(sorted(suspected))
    rows, path = [], folder / "benign.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in log():
            account = batch.column("account_id")
            rows.append(batch.filter(pc.is_in(account, own)))
            writer.write_batch(batch.filter(pc.invert(pc.is_in(account, others))))
        for batch in reference() if reference is not None else ():
            writer.write_batch(
                batch.filter(pc.invert(pc.is_in(batch.column("account_id"), others)))
            )

    def benign() -> "Iterator[pa.RecordBatch]":
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches()

    return pa.Table.from_batches(rows, schema), benign


def show(extraction: "Extraction", screen: Screen) -> None:
    """Show what was made, what was refused, and how much is covered."""
    rows = [
        (
            s.id[11:19],
            s.description,
            f"{s.k:,} ({s.cover:.0%})",
            f"{s.false_positives.hits} of {s.false_positives.accounts:,}",
            f"{s.false_positives.high:.2%}",
        )
        for s in extraction.signatures
    ]
    if rows:
        columns = ("signature", "matches", "accounts", "benign matched", "upper limit")
        screen.show(table(columns, rows))
    else:
        screen.say("no signature: nothing safe covers this campaign")
    if extraction.refusals:
        screen.show(table(("refused", "because"), [(r.what, r.why) for r in extraction.refusals]))
    rate = extraction.false_positives
    screen.say(
        f"covered {extraction.covered:,} of {count(extraction.accounts, 'account')}, "
        f"{extraction.could:,} could be; together they match {rate.hits} of "
        f"{count(rate.accounts, 'benign account')} (up to {rate.high:.2%})"
    )


COMMANDS = (command,)
