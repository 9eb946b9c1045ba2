"""`stillwatch signature lint`: faults that a program can find."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command
from stillwatch.cli.exits import DONE, FAULT
from stillwatch.cli.screen import Screen
from stillwatch.cli.signature_extract import warned
from stillwatch.cli.signature_files import by_kind, read_signatures
from stillwatch.cli.signature_rules import cases_of, read_file, require_extra, rule_files
from stillwatch.detect.wording import count
from stillwatch.settings import Settings, load_settings


class Fault(msgspec.Struct, frozen=True):
    """Something to mend: `name` is the id of a signature, the title of a rule, or empty."""

    file: str
    name: str
    fault: str


@click.command(
    name="lint",
    cls=Command,
    examples=[
        "stillwatch signature lint",
        "stillwatch signature lint received/signatures --lists lists/ --json",
        "stillwatch signature lint rule.yml rules/",
    ],
)
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option(
    "--k", default=5, show_default=True, help="Accounts that must have carried a signature."
)
@options.lists
@options.as_json
@options.quiet
@click.pass_context
def command(
    ctx: click.Context, /, paths: tuple[Path, ...], *, k: int, as_json: bool, quiet: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Check signatures and rules without traffic.

    FILE is a folder of signatures, a STIX bundle (.json), a Sigma rule (.yml) or a folder of rules;
    default: the folder signatures. Of signatures: values that no fingerprint has or that are on a
    warning list, too few carriers, rates that were never measured, words that hold an address or a
    price. Of rules: what docs/sigma.md lists, and the test events beside each. Exits 1 where there
    is a fault.
    """
    files = by_kind(paths or (signature_logs.STORE,))
    screen = Screen(quiet=quiet)
    faults: list[Fault] = []
    checked = 0
    for path in files.signatures:
        named = given["lists"] is not None
        faults += _of_signatures(
            path, load_settings().with_options(**given), screen, k=k, named=named
        )
        checked += 1
    if files.rules:
        require_extra()
        found = list(rule_files(files.rules))
        faults += _of_rules(found)
        checked += len(found)
    if as_json:
        click.echo(msgspec.json.encode({"files": checked, "faults": faults}).decode())
    for each in () if as_json else faults:
        click.echo(f"{each.file}: {each.name + ': ' if each.name else ''}{each.fault}")
    screen.say(f"{count(checked, 'file')}, {count(len(faults), 'fault')}")
    ctx.exit(FAULT if faults else DONE)


def _of_signatures(
    path: Path, settings: Settings, screen: Screen, *, k: int, named: bool
) -> Iterator[Fault]:
    from stillwatch.share.signatures.lint import lint

    held = read_signatures(path, signature_logs.now()).signatures
    keys = sorted({signature.key_id for signature in held})
    listed = {key: warned(settings, key, screen, named=named) for key in keys}
    for signature in held:
        for fault in lint(signature, warned=listed[signature.key_id], k=k):
            yield Fault(str(path), signature.id, fault)


def _of_rules(paths: list[Path]) -> Iterator[Fault]:
    from stillwatch.share.sigma.lint import lint

    read = [(path, *read_file(path)) for path in paths]
    for found in lint([file for _, file, _ in read]):
        yield Fault(found.file, found.rule, found.message)
    for path, file, _ in read:
        for said in cases_of(path, file):
            yield Fault(str(path), "", said)


COMMANDS = (command,)
