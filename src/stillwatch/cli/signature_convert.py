"""`stillwatch signature convert`: rules in the language of a SIEM."""

from pathlib import Path

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.exits import DONE, FAULT
from stillwatch.cli.signature_files import by_kind
from stillwatch.cli.signature_rules import read_file, require_extra, rule_files
from stillwatch.errors import InputError


@click.command(
    name="convert",
    cls=Command,
    examples=[
        "stillwatch signature convert rule.yml --to splunk",
        "stillwatch signature convert rules/ --to elastic --json",
    ],
)
@click.argument(
    "paths", nargs=-1, required=True, metavar="RULES...", type=click.Path(path_type=Path)
)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="SYSTEM",
    help="duckdb, or a pySigma back end that is installed, such as splunk, elastic, lucene.",
)
@options.as_json
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], target: str, *, as_json: bool) -> None:
    """Write Sigma rules in the language of a SIEM.

    The queries go to stdout, one after another. Exits 1 where a rule cannot be converted; says why.
    Signatures of fingerprints cannot be converted: no SIEM has such fields.
    """
    files = by_kind(paths)
    if files.signatures:
        raise InputError(
            f"{files.signatures[0]} holds signatures of fingerprints, for which a SIEM has no "
            "field: share them as STIX with `stillwatch share export`"
        )
    require_extra()
    from stillwatch.share.sigma.convert import canonical, convert

    name = canonical(target)
    done = [convert(read_file(path)[1], str(path), name) for path in rule_files(paths)]
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    for each in () if as_json else done:
        for query in each.queries:
            click.echo(query)
        for said in (*([each.reason] if each.reason else []), *each.notes):
            click.echo(f"{each.file}: {said}", err=True)
    ctx.exit(FAULT if any(each.reason for each in done) else DONE)


COMMANDS = (command,)
