"""`stillwatch scan`: from a log to campaigns, evidence and a report."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.estimate import SCAN
from stillwatch.cli.examples import Command
from stillwatch.cli.exits import DONE, FAIL_ON
from stillwatch.cli.jobs import compile_kernels, identity_of, lists_of, show_rejected
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen
from stillwatch.detect import wording
from stillwatch.events.contracts import Kind
from stillwatch.settings import ENGINES, Settings, load_settings

if TYPE_CHECKING:
    from stillwatch.detect.compare import Comparison
    from stillwatch.detect.results import ScanResult
    from stillwatch.events.period import Period
    from stillwatch.events.readers.rejects import Rejects


@click.command(
    name="scan",
    cls=Command,
    examples=[
        "stillwatch scan events.parquet --accounts accounts.parquet --out result",
        "stillwatch scan 'logs/*.jsonl.gz' --out result --exempt exemptions.toml",
        "stillwatch scan logs/ --out today --compare yesterday --fail-on extraction",
        "stillwatch scan fingerprints.parquet --out result --json --quiet",
        "stillwatch scan logs/ --out week --since 2026-03-02 --until 2026-03-08",
        "stillwatch scan hdfs:///logs/week.parquet --out result --engine spark --master spark://HOST:7077",
    ],
)
@click.argument("events", nargs=-1, required=True, metavar="EVENTS...")
@options.accounts
@click.option("--out", type=options.FOLDER, required=True, help="Folder of the result.")
@click.option("--engine", type=click.Choice(ENGINES), help="Engine that runs the scan.")
@click.option("--master", metavar="URL", help="Spark cluster, such as spark://HOST:7077 or yarn.")
@click.option(
    "--since", type=options.DAY, metavar="DATE", help="First day to look at: YYYY-MM-DD, UTC."
)
@click.option(
    "--until", type=options.DAY, metavar="DATE", help="Last day to look at; days are UTC."
)
@options.log_format
@options.reference
@options.exempt
@options.lists
@options.prices
@options.key_file
@options.account_from
@click.option("--compare", type=options.FOLDER, help="Earlier result: say what changed since.")
@click.option(
    "--fail-on",
    type=click.Choice([kind.value for kind in Kind]),
    multiple=True,
    help="Exit 3 where a campaign of this kind is found; can be repeated.",
)
@options.as_json
@options.quiet
@click.pass_context
def command(
    ctx: click.Context,
    /,
    events: tuple[str, ...],
    accounts: Path | None,
    out: Path,
    *,
    log_format: str,
    since: datetime | None,
    until: datetime | None,
    compare: Path | None,
    fail_on: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Find campaigns in logs or fingerprints.

    EVENTS are files, folders or globs. Writes report.html for people; campaigns.json,
    accounts.parquet and profiles.parquet for programs; rejected.jsonl for every row that could not
    be read. Finding campaigns is not an error: the exit code is 0 unless --fail-on says otherwise.
    """
    from stillwatch.detect import store
    from stillwatch.detect.compare import compare as changes_since
    from stillwatch.events.period import Period
    from stillwatch.events.readers.rejects import Rejects

    settings = load_settings().with_options(**given)
    if given["master"] and settings.engine != "spark":
        raise click.UsageError("--master needs --engine spark")
    screen = Screen(quiet=quiet)
    store.check_output(out)
    previous = store.read_result(compare) if compare else None
    with tempfile.TemporaryDirectory(prefix="stillwatch-") as folder:
        rejected = Path(folder) / store.REJECTED
        with Rejects(rejected) as rejects:
            result = run(
                events,
                accounts,
                log_format=log_format,
                period=Period(since and since.date(), until and until.date()),
                settings=settings,
                rejects=rejects,
                screen=screen,
            )
        changes = changes_since(result, previous) if previous else None
        with screen.bars({}) as progress:
            progress.start("writing", None)
            store.write_result(result, out, rejected, changes)
    show(result, changes, out, screen)
    if as_json:
        found = {
            "out": str(out),
            "run": result.summary,
            "campaigns": result.campaigns,
            "changes": changes.changes if changes else None,
        }
        click.echo(msgspec.json.encode(found).decode())
    kinds = {campaign.kind.value for campaign in result.campaigns}
    ctx.exit(FAIL_ON if kinds & set(fail_on) else DONE)


def run(
    events: tuple[str, ...],
    accounts: Path | None,
    *,
    log_format: str,
    period: "Period",
    settings: Settings,
    rejects: "Rejects",
    screen: Screen,
) -> "ScanResult":
    """Open what the settings name and scan."""
    from stillwatch.detect.scan import scan
    from stillwatch.events.key import Key

    secret = read_key(settings.key_file) if settings.key_file else None
    key = Key.from_secret(secret) if secret else Key.public()
    compile_kernels(key, screen)
    with screen.bars(SCAN) as progress:
        return scan(
            events,
            accounts,
            reference=settings.reference,
            exempt=settings.exempt,
            lists=lists_of(settings),
            prices=settings.prices,
            key=key,
            format=log_format,
            identity=identity_of(settings, secret),
            engine=settings.engine,
            master=settings.master,
            spark=settings.spark,
            since=period.since,
            until=period.until,
            progress=progress,
            rejects=rejects,
        )


def show(result: "ScanResult", changes: "Comparison | None", out: Path, screen: Screen) -> None:
    """Say on screen what was found, what changed and what was rejected."""
    from stillwatch.detect.report import terminal

    screen.say(wording.headline(result))
    for campaign in (c for c in result.campaigns if c.kind in wording.GRAVE_KINDS):
        screen.say(f"  {campaign.campaign_id}  {wording.one_line(campaign)}")
    if changes is not None:
        screen.say("Since the earlier result:")
        screen.show(terminal.comparison(changes))
    summary = result.summary
    show_rejected(summary.rejected, summary.rejected_reasons, out / "rejected.jsonl", screen)
    for note in summary.notes:
        screen.say(f"note: {note}")
    screen.say(f"The report is {out / 'report.html'}")
