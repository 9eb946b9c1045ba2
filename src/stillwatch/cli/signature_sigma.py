"""`stillwatch signature sigma sigma`: check, test, run and convert rules on behaviour."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command, Group
from stillwatch.cli.exits import DONE, FAULT
from stillwatch.cli.files import check_files, replacing
from stillwatch.cli.screen import Screen, show, table
from stillwatch.cli.signatures import (
    MEASURES,
    cases_of,
    measures,
    read_file,
    read_labels,
    require_extra,
    rule_files,
    run,
    summary,
)
from stillwatch.detect.wording import count
from stillwatch.settings import load_settings

PACK = "the rules that ship with Stillwatch"

rules_option = click.option(
    "--rules",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help=f"File or folder of rules; can be repeated. Default: {PACK}.",
)


@click.group(
    name="sigma",
    cls=Group,
    examples=[
        "stillwatch signature sigma lint rules/",
        "stillwatch signature sigma match events.parquet --out matches.parquet",
        "stillwatch signature sigma convert rule.yml --to splunk",
    ],
)
def sigma() -> None:
    """Check, test, run and convert rules on behaviour.

    Sigma rules (.yml) run over events or over the profiles of a scan; docs/sigma.md lists the
    fields. Needs the extra share.
    """


@sigma.command(
    name="lint",
    cls=Command,
    examples=[
        "stillwatch signature sigma lint rule.yml",
        "stillwatch signature sigma lint rules/ --json",
    ],
)
@click.argument(
    "paths", nargs=-1, required=True, metavar="RULES...", type=click.Path(path_type=Path)
)
@options.as_json
@click.pass_context
def lint_command(ctx: click.Context, paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Say what is wrong with rules.

    Also runs the test events beside a rule, `tests/NAME.yml`. Exits 1 where there is something to
    mend.
    """
    require_extra()
    from stillwatch.share.sigma.lint import Issue, lint

    read = [(path, *read_file(path)) for path in rule_files(paths)]
    issues = lint([file for _, file, _ in read])
    issues += [
        Issue(str(path), "", said) for path, file, _ in read for said in cases_of(path, file)
    ]
    if as_json:
        click.echo(msgspec.json.encode({"files": len(read), "issues": issues}).decode())
    else:
        for issue in issues:
            click.echo(f"{issue.file}: {issue.rule + ': ' if issue.rule else ''}{issue.message}")
        click.echo(f"{count(len(read), 'file')}, {count(len(issues), 'issue')}", err=True)
    ctx.exit(FAULT if issues else DONE)


@sigma.command(
    name="convert",
    cls=Command,
    examples=[
        "stillwatch signature sigma convert rule.yml --to splunk",
        "stillwatch signature sigma convert rules/ --to elastic --json",
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
def convert_command(
    ctx: click.Context, paths: tuple[Path, ...], target: str, *, as_json: bool
) -> None:
    """Write rules in the language of a SIEM.

    The queries go to stdout, one after another. Exits 1 where a rule cannot be converted; says why.
    """
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


@sigma.command(
    name="match",
    cls=Command,
    examples=[
        "stillwatch signature sigma match events.parquet --out matches.parquet",
        "stillwatch signature sigma match logs/ --rules rule.yml --json",
        "stillwatch signature sigma match result --rules rules/",
    ],
)
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@rules_option
@click.option("--out", type=options.FILE, help="Parquet file of matches to write.")
@options.log_format
@options.key_file
@options.lists
@options.as_json
@options.quiet
def match_command(
    logs: tuple[str, ...],
    paths: tuple[Path, ...],
    out: Path | None,
    log_format: str,
    *,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Run rules over a log or over a scan's result.

    LOGS are files, folders or globs of events or fingerprints, or the folder of one result, whose
    profiles are looked at. A match says rule, account, first and last time and how many events;
    never any text.
    """
    require_extra()
    screen = Screen(quiet=quiet)
    check_files(out)
    plan, matches = run(logs, paths, log_format, load_settings().with_options(**given), screen)
    if out is not None:
        import pyarrow.parquet as pq

        with replacing(out) as path:
            pq.write_table(matches, path, compression="zstd")
    if as_json:
        click.echo(msgspec.json.encode(matches.to_pylist()).decode())
    elif matches.num_rows:
        show(table(("rule", "level", "accounts", "events"), summary(plan, matches)), sys.stdout)
    accounts = len(set(matches["account_id"].to_pylist()))
    screen.say(f"{count(len(plan), 'rule')}, {count(accounts, 'account')} matched")


@sigma.command(
    name="test",
    cls=Command,
    examples=[
        "stillwatch signature sigma test events.parquet --labels labels.parquet",
        "stillwatch signature sigma test result --labels labels.parquet --rules rule.yml --json",
    ],
)
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@click.option(
    "--labels",
    type=options.FILE,
    required=True,
    help="The truth: account_id, cohort, and campaign, null where benign.",
)
@rules_option
@options.log_format
@options.key_file
@options.lists
@options.as_json
@options.quiet
def test_command(
    logs: tuple[str, ...],
    labels: Path,
    paths: tuple[Path, ...],
    log_format: str,
    *,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Measure rules on accounts whose truth is known.

    Precision and recall over accounts, and false positives per benign cohort.
    """
    require_extra()
    from stillwatch.share.sigma.match import measure

    truth = read_labels(labels)
    settings = load_settings().with_options(**given)
    plan, matches = run(logs, paths, log_format, settings, Screen(quiet=quiet))
    measured = measure(plan, matches, truth)
    if as_json:
        rows = [
            msgspec.to_builtins(each) | {"precision": each.precision, "recall": each.recall}
            for each in measured
        ]
        click.echo(msgspec.json.encode(rows).decode())
    else:
        show(table(MEASURES, [measures(each) for each in measured]), sys.stdout)


COMMANDS = (sigma,)
