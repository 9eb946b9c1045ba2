"""`stillwatch signature match`: accounts of a log that match signatures."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command
from stillwatch.cli.files import check_files, replacing
from stillwatch.cli.screen import Screen, table
from stillwatch.cli.signature_logs import Fingerprints
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    from stillwatch.share.signatures.life import Life
    from stillwatch.share.signatures.model import Signature
    from stillwatch.share.signatures.tally import Match

SHOWN = 20
"""Accounts that the screen shows."""


class Row(msgspec.Struct, frozen=True):
    """One account that matches one signature, as it is written."""

    account_id: str
    signature_id: str
    name: str
    state: str
    confidence: int
    events: int
    of: int
    verdict: str


@click.command(
    name="match",
    cls=Command,
    examples=[
        "stillwatch signature match logs/ --forum-key forum.key",
        "stillwatch signature match forum.parquet --signatures received/ --out hits.parquet",
    ],
)
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@signature_logs.forum_key
@signature_logs.store
@click.option("--out", type=options.FILE, help="Parquet or JSON lines to write, by its suffix.")
@options.log_format
@options.account_from
@options.key_file
@options.as_json
@options.quiet
def command(
    logs: tuple[str, ...],
    forum_key: Path | None,
    signatures: Path,
    out: Path | None,
    *,
    log_format: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Find accounts that match signatures.

    LOGS are events or fingerprints, read once in bounded memory. Signatures that are quarantined or
    revoked, or under another key, are left out, and that is said. A match proposes `watch` and
    nothing stronger: what a rival says is evidence, not an order.
    """
    from stillwatch.share.signatures.index import PlainIndex
    from stillwatch.share.signatures.store import SignatureStore
    from stillwatch.share.signatures.tally import tally

    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    if out is not None and out.suffix not in {".parquet", ".jsonl"}:
        raise click.BadParameter("name a .parquet or .jsonl file", param_hint="--out")
    check_files(out)
    store = SignatureStore(signatures)
    log = Fingerprints(
        logs, log_format=log_format, key_file=forum_key, settings=settings, screen=screen
    )
    lives = store.lives(signature_logs.now())
    used = usable(store.signatures(), lives, log.key_id, screen)
    found = tally(used, PlainIndex(used), log()).matches()
    rows = rows_of(found, used, lives)
    if out is not None:
        write(rows, out)
    show(rows, screen)
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())


def usable(
    signatures: "list[Signature]", lives: "dict[str, Life]", key_id: str, screen: Screen
) -> "list[Signature]":
    """Leave out signatures that must not be matched, and say so.

    Raises:
        InputError: None is under the key of the log.
    """
    from stillwatch.share.signatures.model import State

    silent = {State.QUARANTINED, State.REVOKED}
    used = [s for s in signatures if s.key_id == key_id]
    if signatures and not used:
        raise InputError("no signature is under the key of the log: name the forum's --forum-key")
    if len(used) < len(signatures):
        screen.say(f"left out {len(signatures) - len(used):,} under another key")
    out = [s for s in used if lives[s.id].state in silent]
    for signature in out:
        life = lives[signature.id]
        screen.say(f"left out {signature.id[11:19]}, {life.state.value}: {life.why}")
    return [s for s in used if lives[s.id].state not in silent]


def rows_of(
    found: "list[Match]", signatures: "list[Signature]", lives: "dict[str, Life]"
) -> list[Row]:
    """Put matches together with what is known of their signatures."""
    from stillwatch.share.signatures.life import verdict

    rows = []
    for match in found:
        signature = signatures[match.place]
        life = lives[signature.id]
        rows.append(
            Row(
                account_id=match.account_id,
                signature_id=signature.id,
                name=signature.name,
                state=life.state.value,
                confidence=life.confidence,
                events=match.events,
                of=match.of,
                verdict=verdict(life).value,
            )
        )
    return rows


def write(rows: list[Row], out: Path) -> None:
    """Write matches as Parquet or JSON lines."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with replacing(out) as path:
        if out.suffix == ".jsonl":
            path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
            return
        kinds = {"confidence": pa.int32(), "events": pa.int64(), "of": pa.int64()}
        names = Row.__struct_fields__
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
        pq.write_table(pa.Table.from_pylist([msgspec.to_builtins(r) for r in rows], schema), path)


def show(rows: list[Row], screen: Screen) -> None:
    """Show the accounts with most events first."""
    accounts = len({row.account_id for row in rows})
    screen.say(f"{count(accounts, 'account')} matched")
    top = sorted(rows, key=lambda row: -row.events)[:SHOWN]
    cells = [
        (r.account_id, r.signature_id[11:19], r.name, f"{r.events:,} of {r.of:,}", r.verdict)
        for r in top
    ]
    if cells:
        screen.show(table(("account", "signature", "name", "events", "verdict"), cells))
    if len(rows) > len(top):
        screen.say(f"and {len(rows) - len(top):,} more; --out or --json gives all")


COMMANDS = (command,)
