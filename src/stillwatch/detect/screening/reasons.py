"""What matched, and what speaks against it, in words."""

from stillwatch.detect.screening.compare import Likeness
from stillwatch.detect.screening.letters import fold
from stillwatch.detect.screening.names import Name


def reasons(
    asked: Name,
    listed: Name | None,
    likeness: Likeness | None,
    *,
    domain: str | None,
    address: bool,
) -> tuple[str, ...]:
    """Say what a match rests on, the strongest first, then what speaks against it.

    Args:
        asked: the name of the account's organisation.
        listed: the name of the entry that is most alike, if one is alike at all.
        likeness: how alike they are.
        domain: the domain that both have.
        address: whether both have one address.
    """
    said = []
    if domain:
        said.append(f"the domain {domain} is listed")
    if listed is not None and likeness is not None and _alike(likeness):
        said.append(_agreement(asked, listed, likeness))
    if address:
        said.append("the street address is listed; others may have it too")
    if listed is not None and likeness is not None:
        said.extend(_doubts(asked, listed, likeness))
    return tuple(said)


def _alike(likeness: Likeness) -> bool:
    return likeness.both < 1


def _agreement(asked: Name, listed: Name, likeness: Likeness) -> str:
    if fold(asked.text) == fold(listed.text):
        return "the name is the listed name"
    if likeness.both or likeness.one:
        return f"part of the name is in the listed name “{listed.text}”"
    how = "but for spelling" if likeness.spelling else "but for common words and legal form"
    if likeness.scripts:
        how = f"written in another script, {how}" if likeness.spelling else "in another script"
    return f"the name is the listed name “{listed.text}” {how}"


def _doubts(asked: Name, listed: Name, likeness: Likeness) -> list[str]:
    """What contradicts, and what is too little."""
    doubts = []
    if likeness.both:
        doubts.append("each name has telling words that the other lacks")
    if likeness.turned:
        doubts.append("one name has a telling word where the other has a common one")
    if likeness.fields:
        doubts.append(f"another line of business: {_terms(asked.fields, listed.fields)}")
    if likeness.places:
        doubts.append(f"another place: {_terms(asked.places, listed.places)}")
    if likeness.numbers == 1:
        doubts.append("another number")
    if likeness.numbers == 0.5:
        doubts.append("only one of the names has a number")
    if likeness.short >= 0.5:
        doubts.append("what agrees is short or stands in many listed names")
    return [f"against: {doubt}" for doubt in doubts]


def _terms(asked: frozenset[str], listed: frozenset[str]) -> str:
    return f"{', '.join(sorted(asked - listed))}, not {', '.join(sorted(listed - asked))}"
