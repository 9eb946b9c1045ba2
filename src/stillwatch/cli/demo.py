"""`stillwatch demo`: simulate, scan, and show what was found beside the truth."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.scan import run
from stillwatch.cli.screen import Screen, table
from stillwatch.detect.wording import GRAVE_KINDS, KIND_NAMES, count
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.detect.results import Campaign, ScanResult


@click.command(
    name="demo",
    cls=Command,
    examples=["stillwatch demo --out demo", "stillwatch demo --scale small --out demo"],
)
@click.option(
    "--out",
    type=options.FOLDER,
    default=Path("demo"),
    show_default=True,
    help="Folder to write to.",
)
@click.option("--scale", default="demo", show_default=True, help="How much: small, demo, medium.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Another seed, other traffic.",
)
@options.quiet
def command(out: Path, scale: str, seed: int, *, quiet: bool) -> None:
    """Find campaigns hidden in simulated traffic.

    Simulates, scans, and shows what was found beside the truth. Writes the traffic to OUT/traffic
    and the result with its report to OUT/result.
    """
    import pyarrow.parquet as pq

    from stillwatch.detect import store
    from stillwatch.events.period import Period
    from stillwatch.events.readers.rejects import Rejects
    from stillwatch.simulate import SCALES, check_folder, simulate, write_traffic

    started = monotonic()
    screen = Screen(quiet=quiet)
    traffic, found = out / "traffic", out / "result"
    check_folder(traffic)
    store.check_output(found)
    screen.say("Simulating traffic with three hidden campaigns ...")
    with screen.bars({"simulating": 1.0}) as progress:
        hidden = simulate("demo", scale=scale, seed=seed)
        progress.start("simulating", SCALES[scale].events)
        events = write_traffic(hidden, traffic, progress.advance)
        progress.finish()
    screen.say(f"Scanning {count(events, 'event')} ...")
    with Rejects() as rejects:
        result = run(
            (str(traffic / "events.parquet"),),
            traffic / "accounts.parquet",
            log_format="auto",
            period=Period(),
            settings=load_settings(),
            rejects=rejects,
            screen=screen,
        )
    store.write_result(result, found)
    labels = pq.read_table(traffic / "labels.parquet")
    screen.say("Found, beside the truth:")
    screen.show(table(*beside_truth(result, labels)))
    screen.say(others(result, labels))
    screen.say(f"The report is {found / 'report.html'} ({monotonic() - started:.0f} s in all).")


def beside_truth(
    result: "ScanResult", labels: "pa.Table"
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Put each hidden campaign beside the detected one that holds most of it, as a table."""
    named = {campaign.campaign_id: campaign for campaign in result.campaigns}
    homes = home_of(result)
    truth = labels.filter(labels["campaign"].is_valid()).to_pylist()
    rows: list[Sequence[str]] = []
    for hidden in sorted({row["campaign"] for row in truth}):
        members = [row for row in truth if row["campaign"] == hidden]
        parts = Counter(homes[row["account_id"]] for row in members if row["account_id"] in homes)
        best, inside = parts.most_common(1)[0] if parts else (None, 0)
        kind = f"{members[0]['kind']}, {members[0]['objective']}"
        detected = said(named[best]) if best else "not found"
        rows.append((hidden, kind, f"{len(members):,}", detected, f"{inside:,}"))
    return ("hidden", "what it is", "accounts", "found as", "accounts in it"), rows


def others(result: "ScanResult", labels: "pa.Table") -> str:
    """Count the benign accounts that stand in a campaign of a kind that a provider acts on.

    A benign reseller that is named a relay pool is named rightly and not counted.
    """
    homes = home_of(result)
    named = {c.campaign_id: c.kind.value for c in result.campaigns if c.kind in GRAVE_KINDS}
    benign = labels.filter(labels["campaign"].is_null()).to_pylist()
    kinds = [(named.get(homes.get(row["account_id"], "")), row["kind"]) for row in benign]
    wrong = sum(found not in {None, true} for found, true in kinds)
    said = " or ".join(KIND_NAMES[kind][1] for kind in GRAVE_KINDS)
    return f"Of {count(len(benign), 'benign account')}, {wrong:,} stand wrongly in {said}."


def home_of(result: "ScanResult") -> dict[str, str]:
    """Map accounts to the campaign in which they stand."""
    rows = result.accounts.filter(result.accounts["campaign_id"].is_valid())
    return dict(zip(rows["account_id"].to_pylist(), rows["campaign_id"].to_pylist(), strict=True))


def said(campaign: "Campaign") -> str:
    """Name a detected campaign, its kind and its objective."""
    aim = f", {campaign.objective}" if campaign.objective else ""
    return f"{campaign.campaign_id}: {campaign.kind.value}{aim} ({campaign.size:,})"
