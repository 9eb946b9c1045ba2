"""`stillwatch judge`: a person's decision on a campaign or an account."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind

DECISIONS = ("confirm", "dismiss", "relabel")


@click.command(
    name="judge",
    cls=Command,
    examples=[
        "stillwatch judge state sw-3fe2b914 confirm --by Ada",
        "stillwatch judge state sw-96c543d6 dismiss --by Ada --note 'our own red team'",
        "stillwatch judge result sw-ad839d3b relabel --kind evaluation --by Ada",
        "stillwatch judge result acct-1042 dismiss --by Ada",
    ],
)
@click.argument("folder", metavar="DIR", type=options.FOLDER)
@click.argument("subject", metavar="CAMPAIGN|ACCOUNT")
@click.argument("decision", type=click.Choice(DECISIONS))
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="For relabel.")
@click.option("--by", required=True, metavar="NAME", help="Who decides.")
@click.option("--note", default="", help="Why.")
@options.as_json
@options.quiet
def command(
    folder: Path,
    subject: str,
    decision: str,
    *,
    kind: str | None,
    by: str,
    note: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Decide on a campaign or an account.

    DIR is the state of a watch or the result of a scan. Decisions are only added, never changed: a
    later one overrules an earlier one. A running watch takes a decision up with its next
    analysis.
    """
    from stillwatch.detect.judgements import Decision, judge
    from stillwatch.detect.store import append_judgement, read_result
    from stillwatch.detect.watch.state import RESULT, is_state

    if not by.strip():
        raise click.UsageError("--by is empty: name who decides")
    watched = is_state(folder)
    if watched and not (folder / RESULT).exists():
        raise InputError(f"{folder} has no result yet: let stillwatch watch analyse it first")
    result = read_result(folder / RESULT if watched else folder)
    judgement = judge(
        result,
        subject,
        Decision(decision),
        kind=Kind(kind) if kind else None,
        by=by,
        time=datetime.now(UTC),  # noqa: TID251 - the edge where the clock is read
        note=note,
    )
    append_judgement(folder, judgement)
    Screen(quiet=quiet).say(f"{subject} is {judgement.words}")
    if as_json:
        click.echo(msgspec.json.encode(judgement).decode())
