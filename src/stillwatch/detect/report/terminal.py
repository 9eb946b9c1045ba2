"""Explanations and comparisons on a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stillwatch.detect import wording
from stillwatch.detect.compare import Comparison
from stillwatch.detect.explain import Explanation


def explanation(found: Explanation) -> RenderableType:
    """One account: its row, then the evidence for, against and what is missing.

    Text is never read as markup: an account id may hold brackets.
    """
    head = Text.assemble(
        (found.account_id, "bold"),
        f"  {found.verdict}, risk {found.risk:.2f}, p {wording.probability(found.p_value)}",
    )
    seen = []
    if found.events is not None and found.first_seen and found.last_seen:
        seen = [
            Text(
                f"{wording.count(found.events, 'event')},"
                f" {wording.span(found.first_seen, found.last_seen)}",
                style="dim",
            )
        ]
    return Group(
        head,
        *seen,
        *_lines("For a campaign", found.evidence_for),
        *_lines("Against", found.evidence_against),
        *_lines("Missing", found.missing),
    )


def comparison(found: Comparison) -> RenderableType:
    """What became of each campaign, as a table."""
    if not found.changes:
        return Text("No campaign now and none before.")
    table = Table(box=None, pad_edge=False)
    for heading in ("change", "kind", "now", "before"):
        table.add_column(heading, overflow="fold")
    for heading in ("accounts", "before", "joined", "left"):
        table.add_column(heading, justify="right")
    for change in found.changes:
        table.add_row(
            Text(change.change),
            Text(change.kind),
            Text(change.campaign_id or "–"),
            Text(change.previous_id or "–"),
            f"{change.accounts:,}",
            f"{change.previous_accounts:,}",
            f"{change.joined:,}",
            f"{change.left:,}",
        )
    return table


def _lines(heading: str, lines: Sequence[str]) -> list[RenderableType]:
    if not lines:
        return []
    bullets = Table.grid(padding=(0, 1))
    for line in lines:
        bullets.add_row("  •", Text(line))
    return [Text(f"\n{heading}", style="bold"), bullets]
