"""Evidence in words."""

from typing import Final

from stillwatch.detect.wording import count
from stillwatch.share.attribution.likeness import Likeness
from stillwatch.share.attribution.trace import Trace

_THINGS: Final = {
    Trace.CARD: ("card", "cards"),
    Trace.DEVICE: ("device", "devices"),
    Trace.MAIL: ("mail domain", "mail domains"),
    Trace.SIGNUP: ("network of sign-up", "networks of sign-up"),
    Trace.NETWORK: ("network", "networks"),
    Trace.CLIENT: ("client", "clients"),
    Trace.SETTINGS: ("set of request settings", "sets of request settings"),
    Trace.SYSTEM: ("system prompt", "system prompts"),
    Trace.FRAMES: ("frame", "frames"),
    Trace.WORDING: ("opening or closing", "openings or closings"),
    Trace.ITEMS: ("passage of a work item", "passages of work items"),
}
_CLAIMED: Final = {
    Trace.VERIFIED: "are verified as accounts of this organisation",
    Trace.MAILBOX: "have a mailbox of this organisation",
    Trace.NAME: "only name it, which anybody can",
}


def words(found: Likeness) -> str:
    """Say what is shared, by how many accounts, and how rare it is; no identifier in clear.

    >>> words(Likeness(Trace.CARD, 0.5, 6, 12, values=2, benign=1))
    '6 of 12 accounts share 2 cards with it; up to 1 benign account have one'
    >>> words(Likeness(Trace.NAME, 1.0, 12, 12, values=1))
    '12 of 12 accounts only name it, which anybody can'
    """
    of = f"{found.carrying:,} of {count(found.accounts, 'account')}"
    if found.trace is Trace.PACE:
        return f"the pace is {found.share:.0%} alike"
    if found.trace is Trace.SIGNATURE:
        return f"{of} match its signatures at another provider"
    if found.trace in _CLAIMED:
        return f"{of} {_CLAIMED[found.trace]}"
    one, several = _THINGS[found.trace]
    if not found.values:
        return f"no account shares {several} with it"
    has = "shares" if found.carrying == 1 else "share"
    text = f"{of} {has} {count(found.values, one, several)} with it"
    if found.benign:
        text += f"; up to {count(found.benign, 'benign account')} have one"
    if found.others:
        text += f"; so do campaigns of {count(found.others, 'other operator')}"
    return text
