"""`stillwatch signature list` and `show`: what is in a folder, and how each came where it is."""

import sys
from pathlib import Path

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import show as show_on
from stillwatch.cli.screen import table
from stillwatch.detect.wording import minute


@click.command(
    name="list",
    cls=Command,
    examples=["stillwatch signature list", "stillwatch signature list --signatures received/"],
)
@signature_logs.store
@options.as_json
def list_command(signatures: Path, *, as_json: bool) -> None:
    """List signatures with their state.

    Confidence is 0 to 100. A quarantined signature says why. One of another member says whose.
    """
    from stillwatch.share.signatures.store import SignatureStore

    store = SignatureStore(signatures)
    lives = store.lives(signature_logs.now())
    held = store.signatures()
    if as_json:
        click.echo(msgspec.json.encode([{"signature": s, "life": lives[s.id]} for s in held]))
        return
    rows = [
        (
            s.id[11:19],
            s.name,
            lives[s.id].state.value,
            str(lives[s.id].confidence),
            lives[s.id].source or "",
            lives[s.id].why,
        )
        for s in held
    ]
    columns = ("signature", "name", "state", "confidence", "from", "why")
    show_on(table(columns, rows), sys.stdout)


@click.command(
    name="show",
    cls=Command,
    examples=["stillwatch signature show 3fa9c1e2", "stillwatch signature show 3fa9c1e2 --json"],
)
@click.argument("name", metavar="ID")
@signature_logs.store
@options.as_json
def show_command(name: str, signatures: Path, *, as_json: bool) -> None:
    """Show one signature and its life.

    ID is its id or the start of it.
    """
    from stillwatch.share.signatures.life import life_of
    from stillwatch.share.signatures.store import SignatureStore

    store = SignatureStore(signatures)
    signature = store.find(name)
    happened = [h for h in store.happenings() if h.signature_id == signature.id]
    life = life_of(signature, happened, signature_logs.now())
    if as_json:
        found = {"signature": signature, "life": life, "happened": happened}
        click.echo(msgspec.json.encode(found).decode())
        return
    rate = signature.false_positives
    until = f"{minute(signature.valid_from)} to {minute(life.ends or signature.valid_until)}"
    rows = [
        ("id", signature.id),
        ("matches", signature.description),
        ("state", f"{life.state.value}, confidence {life.confidence}: {life.why}"),
        ("carried by", f"{signature.k:,} accounts, {signature.cover:.0%} of the campaign"),
        ("false", f"{rate.hits} of {rate.accounts:,} benign accounts, up to {rate.high:.2%}"),
        ("judged hits", f"{life.confirmed} confirmed, {life.benign} benign"),
        ("from", life.source or "made here"),
        ("valid", until),
        ("techniques", ", ".join(signature.techniques)),
        ("key, TLP", f"{signature.key_id}, {signature.tlp.value}"),
        *((minute(h.time), f"{h.act.value} by {h.by} {h.note}") for h in happened),
    ]
    show_on(table(("what", "value"), rows), sys.stdout)


COMMANDS = (list_command, show_command)
