"""Every sentence that may leave: fixed words of ours, so that no text of a log can be in one.

Names of things are two words drawn from short lists by the thing's id. The allow-list holds the
whole set of sentences; a text that is not one of them is refused.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from stillwatch.events.contracts import Kind, Verdict

FIRST_WORDS: Final = (
    "amber", "ashen", "brass", "bronze", "cobalt", "copper", "coral", "dusty",
    "early", "fallow", "frosty", "gilded", "golden", "grey", "hollow", "idle",
    "ivory", "late", "lucid", "misty", "muted", "oaken", "pale", "quiet",
    "russet", "silver", "sober", "steep", "tidal", "umber", "vivid", "woven",
)  # fmt: skip
SECOND_WORDS: Final = (
    "alder", "anvil", "basin", "birch", "canyon", "cedar", "crane", "delta",
    "ember", "falcon", "ferry", "glade", "harbour", "heron", "island", "juniper",
    "kestrel", "lagoon", "lantern", "meadow", "mill", "moor", "orchard", "otter",
    "pebble", "quarry", "raven", "saddle", "thicket", "tundra", "valley", "willow",
)  # fmt: skip

KINDS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.EXTRACTION: (
        "Extraction campaign",
        "Accounts that act together and harvest a model's answers.",
    ),
    Kind.RELAY: (
        "Relay pool",
        "Accounts that act together and pass on requests of others: a reseller or proxy pool.",
    ),
    Kind.UNKNOWN: (
        "Coordinated group",
        "Accounts that act together; what for is not known.",
    ),
}
"""Kinds that may leave: what one is called, and its description. The others are customers."""

OBJECTIVES: Final[dict[str, str]] = {
    "grading": "Harvests grades and preferences.",
    "rewriting": "Harvests rewritten answers.",
    "tool-use": "Harvests the use of tools.",
    "synthetic-data": "Harvests tasks and data sets.",
    "reasoning": "Harvests reasoning.",
    "coding": "Harvests code.",
    "general": "Harvests answers of many sorts.",
}
"""Objectives, and how a campaign's is said."""

RESPONSES: Final[dict[Verdict, tuple[str, str]]] = {
    Verdict.WATCH: ("Watched", "The accounts are watched."),
    Verdict.THROTTLE: ("Throttled", "The requests of the accounts are limited."),
    Verdict.CHALLENGE: ("Challenged", "The accounts had to prove who they are."),
    Verdict.DEGRADE: ("Degraded", "Answers to the accounts carry less of what is harvested."),
    Verdict.BLOCK: ("Blocked", "The accounts are closed."),
}
"""What was done about a campaign: a name and a description."""

SIGNATURE: Final = "Accounts whose requests share:"
"""How the description of a signature begins; names of families follow."""
SIGMA_RULE: Final = "A Sigma rule on requests or profiles of a language-model API."
"""The description of a shared rule."""


def codename(identifier: str) -> str:
    """Return two words for the thing with an id.

    >>> codename("campaign--6f3e1a52-5c1b-4d9e-8d7e-0123456789ab")
    'gilded heron'
    """
    number = uuid.UUID(identifier.rpartition("--")[2]).int
    first, rest = number % len(FIRST_WORDS), number // len(FIRST_WORDS)
    return f"{FIRST_WORDS[first]} {SECOND_WORDS[rest % len(SECOND_WORDS)]}"


def codenames() -> list[str]:
    """Return all names that `codename` can give."""
    return [f"{first} {second}" for first in FIRST_WORDS for second in SECOND_WORDS]


def of_families(families: Sequence[str]) -> str:
    """Say what a signature looks for, by the names of its families alone.

    >>> of_families(["template", "tls"])
    'Accounts whose requests share: template, tls.'
    """
    return f"{SIGNATURE} {', '.join(sorted(set(families)))}."
