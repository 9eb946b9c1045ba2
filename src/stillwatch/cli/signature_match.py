"""`stillwatch signature match`: accounts of a log that match signatures or rules."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options, signature_logs, signature_rules
from stillwatch.cli.examples import Command
from stillwatch.cli.files import check_files, write_table
from stillwatch.cli.screen import Screen, table
from stillwatch.cli.signature_files import Held, read_signatures
from stillwatch.cli.signature_logs import Fingerprints
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    import pyarrow as pa

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
        "stillwatch signature match forum.parquet --signatures theirs.json --out hits.parquet",
        "stillwatch signature match logs/ --rules rule.yml --json",
        "stillwatch signature match result --pack",
    ],
)
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@click.option(
    "--signatures",
    type=click.Path(path_type=Path),
    help="Folder of signatures or STIX bundle. Default: signatures, unless rules are named.",
)
@click.option(
    "--rules",
    "rules",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Sigma rule or folder of rules; can be repeated.",
)
@signature_rules.pack
@signature_logs.forum_key
@click.option("--out", type=options.FILE, help="Parquet or JSON lines to write, by its suffix.")
@options.log_format
@options.account_from
@options.key_file
@options.lists
@options.as_json
@options.quiet
def command(
    logs: tuple[str, ...],
    signatures: Path | None,
    rules: tuple[Path, ...],
    forum_key: Path | None,
    out: Path | None,
    *,
    pack: bool,
    log_format: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Find accounts that match signatures or rules.

    LOGS are events or fingerprints, read once in bounded memory; for rules also the folder of one
    scan's result, whose profiles are looked at. Signatures that are quarantined, revoked or
    expired, or under another key, are left out, and that is said. A match proposes `watch` and
    nothing stronger: what a rival says is evidence, not an order.
    """
    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    if out is not None and out.suffix not in {".parquet", ".jsonl"}:
        raise click.BadParameter("name a .parquet or .jsonl file", param_hint="--out")
    check_files(out)
    if rules or pack:
        if signatures or forum_key:
            raise click.UsageError(
                "give signatures or rules: their matches have other columns; rules need no "
                "--forum-key"
            )
        chosen = signature_rules.chosen(rules, shipped=pack)
        plan, matches = signature_rules.run(logs, chosen, log_format, settings, screen)
        signature_rules.deliver_matches(plan, matches, out, screen, as_json=as_json)
        return
    held = read_signatures(signatures or signature_logs.STORE, signature_logs.now())
    log = Fingerprints(
        logs, log_format=log_format, key_file=forum_key, settings=settings, screen=screen
    )
    rows = matched(held, log, screen)
    if out is not None:
        write_table(table_of(rows), out)
    show(rows, screen)
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())


def matched(held: Held, log: Fingerprints, screen: Screen) -> list[Row]:
    """Match signatures that may be matched.

    Raises:
        InputError: None is under the key of the log.
    """
    from stillwatch.share.signatures.tally import tally

    used = usable(held.signatures, held.lives, log.key_id, screen)
    found = tally(used, signature_logs.index_of(used), log()).matches()
    return rows_of(found, used, held.lives)


def usable(
    signatures: "list[Signature]", lives: "dict[str, Life]", key_id: str, screen: Screen
) -> "list[Signature]":
    """Leave out signatures that must not be matched, and say so.

    Raises:
        InputError: None is under the key of the log.
    """
    from stillwatch.share.signatures.life import SILENT

    used = [s for s in signatures if s.key_id == key_id]
    if signatures and not used:
        raise InputError("no signature is under the key of the log: name the forum's --forum-key")
    if len(used) < len(signatures):
        screen.say(f"left out {len(signatures) - len(used):,} under another key")
    out = [s for s in used if lives[s.id].state in SILENT]
    for signature in out:
        life = lives[signature.id]
        screen.say(f"left out {signature.id[11:19]}, {life.state.value}: {life.why}")
    return [s for s in used if lives[s.id].state not in SILENT]


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


def table_of(rows: list[Row]) -> "pa.Table":
    """Return matches as a table."""
    import pyarrow as pa

    kinds = {"confidence": pa.int32(), "events": pa.int64(), "of": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in Row.__struct_fields__])
    return pa.Table.from_pylist([msgspec.to_builtins(row) for row in rows], schema)


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
