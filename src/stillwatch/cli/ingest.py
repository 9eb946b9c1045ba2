"""`stillwatch ingest`: from logs to fingerprints, for a team that may not see text."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.files import replacing
from stillwatch.cli.jobs import compile_kernels, identity_of, lists_of, own_secret, show_rejected
from stillwatch.cli.screen import Screen
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.settings import Settings, load_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.events.readers.log import LogReader

    Kept = tuple[pa.Schema, Iterator[pa.RecordBatch]]


@click.command(
    name="ingest",
    cls=Command,
    examples=[
        "stillwatch ingest logs/ --out fingerprints.parquet",
        "stillwatch ingest spend.jsonl --format litellm --account-from api-key --out week.parquet",
        "stillwatch ingest logs/ --out events.parquet --keep-prompts",
    ],
)
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@click.option("--out", type=options.FILE, required=True, help="Parquet file to write.")
@click.option("--keep-prompts", is_flag=True, help="Write events with their text instead.")
@options.log_format
@options.key_file
@options.account_from
@options.lists
@options.as_json
@options.quiet
def command(
    logs: tuple[str, ...],
    out: Path,
    log_format: str,
    *,
    keep_prompts: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Turn logs into a file of fingerprints.

    LOGS are files, folders or globs. The text is fingerprinted in the batch in which it is read
    and then dropped. Fingerprints are keyed: without --key-file a key of your own is made on the
    first run and used from then on. Rows that cannot be read go to OUT.rejected.jsonl.
    """
    from stillwatch.events.readers.log import open_log
    from stillwatch.events.readers.rejects import Rejects

    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    rejected = out.with_name(f"{out.name}.rejected.jsonl")
    check_output(out, rejected, logs)
    secret = own_secret(settings, screen)
    with (
        replacing(out) as path,
        replacing(rejected) as rejected_path,
        Rejects(rejected_path) as rejects,
    ):
        identity = identity_of(settings, secret)
        log = open_log(logs, format=log_format, identity=identity, rejects=rejects)
        kept = with_text(log) if keep_prompts else fingerprints(log, secret, settings, screen)
        rows = write(kept, log, path, screen)
    if keep_prompts:
        screen.say(f"warning: {out} holds the text of prompts; it must not leave the provider")
    screen.say(f"wrote {count(rows, 'row')} to {out}")
    show_rejected(rejects.total, rejects.reasons, rejected, screen)
    if as_json:
        found = {"out": str(out), "rows": rows, "rejected": rejects.total} | {
            "contract": "events" if keep_prompts else "fingerprints",
            "rejected_reasons": dict(rejects.reasons),
        }
        click.echo(msgspec.json.encode(found).decode())


def check_output(out: Path, rejected: Path, logs: tuple[str, ...]) -> None:
    """Refuse to write over a log, or over a file that this command did not write.

    Raises:
        InputError: `out` or `rejected` is one of the logs, or `out` holds something else.
    """
    from stillwatch.events.readers.source import Progress, find_files

    read = {file.path.resolve() for file in find_files(logs, Progress())}
    for path in (out, rejected):
        if path.resolve() in read:
            raise InputError(f"{path} is one of the logs and would be lost: give another --out")
    if out.exists() and not written_by_ingest(out):
        raise InputError(f"{out} exists and stillwatch ingest did not write it: give another --out")


def written_by_ingest(path: Path) -> bool:
    """Whether a file says that this command wrote it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from stillwatch.events.schema import WRITTEN_BY

    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError):
        return False
    return bool(metadata.get(WRITTEN_BY) == b"ingest")


def with_text(log: "LogReader") -> "Kept":
    """Pass events on as they are.

    Raises:
        InputError: The log holds fingerprints, which have no text.
    """
    from stillwatch.events.schema import EVENTS

    if log.contract != "events":
        raise InputError("the logs are fingerprints, which hold no text: leave out --keep-prompts")
    return EVENTS, iter(log)


def fingerprints(log: "LogReader", secret: bytes, settings: Settings, screen: Screen) -> "Kept":
    """Fingerprint events with the user's key and lists; fingerprints are joined as they are."""
    import pyarrow as pa

    from stillwatch.events.fingerprint import fingerprint_stream
    from stillwatch.events.key import Key
    from stillwatch.events.lists import NetworkLists
    from stillwatch.events.schema import FINGERPRINTS, KEY_ID

    def under(key_id: str) -> pa.Schema:
        return FINGERPRINTS.with_metadata({**FINGERPRINTS.metadata, KEY_ID: key_id.encode()})

    if log.contract == "fingerprints":
        return under(log.key_id) if log.key_id else FINGERPRINTS, iter(log)
    key = Key.from_secret(secret)
    lists = lists_of(settings)
    networks = NetworkLists.load(lists) if lists else NetworkLists.empty()
    compile_kernels(key, screen)
    return under(key.id), fingerprint_stream(log, key, networks if networks.on else None)


def write(kept: "Kept", log: "LogReader", path: Path, screen: Screen) -> int:
    """Write batches to one Parquet file as they come; return how many rows."""
    import pyarrow.parquet as pq

    from stillwatch.events.schema import WRITTEN_BY

    schema, batches = kept
    schema = schema.with_metadata({**(schema.metadata or {}), WRITTEN_BY: b"ingest"})
    rows = done = 0
    with (
        screen.bars({"Reading logs": 1.0}) as progress,
        pq.ParquetWriter(path, schema, compression="zstd") as writer,
    ):
        progress.start("Reading logs", log.bytes_total)
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
            progress.advance(log.bytes_done - done)
            done = log.bytes_done
        progress.finish()
    return rows
