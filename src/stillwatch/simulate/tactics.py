"""Tactics of operators who know how this detector works, and the adversary behind each knob.

A knob says how much of one thing an operation hides. A tactic answers a test of the detector: what
it links, what contradicts a benign explanation, what makes an account stand out. Each is within an
operator's means, and none changes how many events an operation sends.
"""

from dataclasses import asdict, dataclass
from typing import Final


@dataclass(frozen=True)
class Tactics:
    """What an operation does on top of its knobs, and the test that it answers."""

    plain: bool = False
    """Items of work in a person's words: none that asks for reasoning, grades or a training format,
    no system prompt, no fixed frame. Costs everything but the answer. Against *ordinary requests*
    and links by frames."""
    tongues: bool = False
    """Accounts of every language, each with items in its own. Against links by words, which are
    counted per script."""
    subjects: bool = False
    """The pool dealt by subject: an account keeps to a few neighbouring topics. Against *interests*
    and links by words."""
    sampled: bool = False
    """Several answers to each item, each drawn through another account; one frame. Passes for an
    *evaluation*, whose questions repeat."""
    app: bool = False
    """The client, settings, system prompt and frames of an application that many people use. Passes
    for a *shared app*."""
    woven: float = 0.0
    """Share of requests that are work, inside conversations that are not: the account's own, or in
    a relay those of its customers. Against frames, and against *conversations*."""
    warm_up: float = 0.0
    """Mean days of ordinary use, on its own subjects and in its own language, before an account
    begins to harvest. Against *moments* and words that mark an account."""
    desks: bool = False
    """Each account works for one buyer only. Against links between the buyers' accounts."""
    volumes: bool = False
    """Use per account spread as among people. Against *volumes*."""
    pace: bool = False
    """Days off, nights, pauses and sessions as people have them. Against *pace*."""
    moments: bool = False
    """Starts, ends and moves to the new model spread as among people, the work over the whole
    window. Against *moments*."""
    promotions: bool = False
    """Sign-ups on days of promotions, among those who came for them. Against *moments*."""
    handover: float = 0.0
    """Mean days between a ban and the start of the replacement, which was made long before. Against
    *moments*."""
    means: bool = False
    """A virtual card and a browser profile per account: no card or device in common. Against
    *identity* and *many means*."""
    exits: bool = False
    """Exits of VPN services that many people use. Against *network* and *one place*."""
    campus: bool = False
    """Half of the accounts on the networks and under the mail domain of a university. Passes for a
    *class*."""
    company: bool = False
    """A front company: verified, one card, with seven accounts in ten. Passes for an
    *organisation*."""
    cell: int = 0
    """Accounts per campaign, each with its own objective, frames, networks and cards; 0 leaves the
    sizes as drawn. Against clusters as such, which have at least five accounts."""

    def used(self) -> dict[str, object]:
        """The tactics that are not left out, by name."""
        return {name: value for name, value in asdict(self).items() if value}


NO_TACTICS: Final = Tactics()
"""An operator who knows nothing of the detector."""

ADAPTIVE: Final[dict[str, tuple[str, Tactics]]] = {
    "paraphrase": (
        "what a person would ask, in every language",
        Tactics(plain=True, tongues=True),
    ),
    "camouflage": (
        "ordinary use first, then a harvest of the same subjects in the same words",
        Tactics(warm_up=4.0, subjects=True, plain=True, means=True),
    ),
    "no-shared-infrastructure": (
        "accounts of one's own that look like a class",
        Tactics(campus=True, pace=True),
    ),
    "distinct-clients": (
        "plain questions through an application that many use, a virtual card each",
        Tactics(app=True, plain=True, means=True),
    ),
    "spread-signups": (
        "sign-ups in promotions, questions repeated as in an evaluation, a virtual card each",
        Tactics(promotions=True, moments=True, sampled=True, means=True),
    ),
    "ban-and-replace": (
        "replacements from an old stock that start days later, behind exits that many use",
        Tactics(handover=2.0, exits=True, volumes=True, means=True),
    ),
    "daily-rhythm": (
        "days off, pauses and volumes as people have them, a virtual card each",
        Tactics(pace=True, volumes=True, moments=True, means=True),
    ),
    "private-pools": (
        "each account has subjects that it comes back to, in plain words",
        Tactics(subjects=True, plain=True),
    ),
    "conversations": (
        "plain questions inside conversations about other things",
        Tactics(woven=0.5, plain=True),
    ),
    "model-move": (
        "a move spread over as many days as everybody's, at a human pace, a virtual card each",
        Tactics(moments=True, pace=True, means=True),
    ),
    "many-buyers": (
        "a verified front company with a desk for each buyer",
        Tactics(company=True, desks=True),
    ),
    "few-events": (
        "a few plain questions, whenever, on subjects of one's own",
        Tactics(plain=True, subjects=True, moments=True),
    ),
    "small-campaigns": ("cells of eight with nothing in common", Tactics(cell=8)),
    "relay-mix": (
        "plain questions inside the customers' conversations",
        Tactics(woven=0.2, plain=True),
    ),
    "all-half": (
        "every knob at one half, and what hides most",
        Tactics(plain=True, subjects=True, volumes=True, pace=True, moments=True),
    ),
}
"""By the scenario whose knobs it uses: what the adversary does, and its tactics."""
