"""The compact view of a result in a notebook."""

from html import escape
from typing import TYPE_CHECKING

from stillwatch.detect import wording

if TYPE_CHECKING:
    from stillwatch.detect.results import Campaign, ScanResult

HEADINGS = (
    "campaign",
    "kind",
    "objective",
    "accounts",
    "events",
    "since",
    "coordinated",
    "of that kind",
)


def view(result: "ScanResult") -> str:
    """The headline and a table of campaigns as an HTML fragment; every value is escaped."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
    body = "".join(_row(campaign) for campaign in result.campaigns)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""
    return f"<div><p><strong>{escape(wording.headline(result))}</strong></p>{table}</div>"


def _row(campaign: "Campaign") -> str:
    cells = (
        campaign.campaign_id,
        str(campaign.kind),
        campaign.objective or "–",
        f"{campaign.size:,}",
        f"{campaign.events:,}",
        wording.day(campaign.first_seen),
        wording.sure(campaign.q_coordination),
        wording.kind_claim(campaign),
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
