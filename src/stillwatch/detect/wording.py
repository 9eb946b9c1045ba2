"""How results are said in words, one phrase per idea, in the report and everywhere else."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from stillwatch.events.contracts import Kind

if TYPE_CHECKING:
    from stillwatch.detect.results import Campaign, ScanResult, Value

KIND_NAMES: Final[dict[Kind, tuple[str, str]]] = {
    Kind.EXTRACTION: ("extraction campaign", "extraction campaigns"),
    Kind.RELAY: ("relay pool", "relay pools"),
    Kind.EVALUATION: ("evaluation", "evaluations"),
    Kind.SHARED_APP: ("shared application", "shared applications"),
    Kind.ORGANISATION: ("organisation", "organisations"),
    Kind.UNKNOWN: ("coordinated group of unknown kind", "coordinated groups of unknown kind"),
}
"""Singular and plural, gravest kind first."""

GRAVE_KINDS: Final = (Kind.EXTRACTION, Kind.RELAY)
"""Kinds that a provider acts on."""

SMALLEST_SHOWN: Final = -30
"""Below this power of ten the digits say more about the model than about the world."""

SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "account"), count(20_000, "account")
    ('1 account', '20,000 accounts')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(moment: datetime) -> str:
    """A date without leading zeros, as in "3 Mar 2026"."""
    return f"{moment.day} {moment:%b %Y}"


def minute(moment: datetime) -> str:
    """A date with its time of day, as in "3 Mar 2026 14:05"."""
    return f"{day(moment)} {moment:%H:%M}"


def span(first: datetime, last: datetime) -> str:
    """Two dates, or one when both are the same day; the year stands once where it is one.

    >>> from datetime import UTC
    >>> span(datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC))
    '6 Mar to 29 Mar 2026'
    """
    if first.date() == last.date():
        return day(first)
    begin = f"{first.day} {first:%b}" if first.year == last.year else day(first)
    return f"{begin} to {day(last)}"


def rate(number: float) -> str:
    """A rate with two digits.

    >>> rate(0.0312), rate(6.48), rate(862.4)
    ('0.031', '6.5', '862')
    """
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def percent(share: float) -> str:
    """A share 0..1 with as many digits as it deserves.

    >>> percent(0.973), percent(0.0312), percent(0.00042), percent(0.0)
    ('97 %', '3.1 %', '0.042 %', '0 %')
    """
    if share == 0:
        return "0 %"
    digits = 0 if share >= 0.0995 else max(1, 1 - math.floor(math.log10(100 * share)))
    return f"{100 * share:.{digits}f} %"


def probability(p: float) -> str:
    """A p-, q- or e-value's size: plain above one in a thousand, else as a power of ten.

    >>> probability(0.04), probability(3.2e-9), probability(0.0)
    ('0.04', '3 × 10⁻⁹', '0')
    """
    return power_of_ten(math.log10(p)) if p > 0 else "0"


def power_of_ten(log10_p: float) -> str:
    """The same from a base-ten logarithm, which may lie far below what a float can hold.

    >>> power_of_ten(-8.5), power_of_ten(-412.4)
    ('3 × 10⁻⁹', '< 10⁻³⁰')
    """
    if log10_p < SMALLEST_SHOWN:
        return f"< 10{str(SMALLEST_SHOWN).translate(SUPERSCRIPTS)}"
    if log10_p >= -3:
        return f"{10**log10_p:.2g}"
    exponent = math.floor(log10_p)
    mantissa = round(10 ** (log10_p - exponent))
    if mantissa == 10:
        mantissa, exponent = 1, exponent + 1
    return f"{mantissa} × 10{str(exponent).translate(SUPERSCRIPTS)}"


def certainty(q: float) -> str:
    """A q-value in words: the expected share of false claims among those as strong or stronger."""
    bounds = ((0.001, "very strong"), (0.01, "strong"), (0.05, "moderate"), (0.2, "weak"))
    return next((word for bound, word in bounds if q <= bound), "not established")


def sure(q: float) -> str:
    """A q-value in words and number.

    >>> sure(3e-9)
    'very strong (q 3 × 10⁻⁹)'
    """
    return f"{certainty(q)} (q {probability(q)})"


def a_kind(kind: str) -> str:
    """A kind's name with its article; an explanation that is no kind stays as it is.

    >>> a_kind("extraction"), a_kind("shared-app"), a_kind("chance")
    ('an extraction campaign', 'a shared application', 'chance')
    """
    if kind not in set(Kind):
        return kind
    name = KIND_NAMES[Kind(kind)][0]
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def sentence(text: str) -> str:
    """The text with a capital first letter and a full stop.

    >>> sentence("no list was given")
    'No list was given.'
    """
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def money(value: "Value") -> str:
    """An interval of money, rounded to what its width lets one say.

    >>> from stillwatch.detect.results import Value
    >>> money(Value(1234.0, 45678.0, "USD"))
    'USD 1,200 to 46,000'
    """
    low, high = (_two_digits(amount) for amount in (value.low, value.high))
    return f"{value.currency} {low}" if low == high else f"{value.currency} {low} to {high}"


def _two_digits(amount: float) -> str:
    if amount <= 0:
        return "0"
    digits = 1 - math.floor(math.log10(amount))
    return f"{round(amount, digits):,.{max(0, digits)}f}"


def quantity(number: int) -> str:
    """A large number, short.

    >>> quantity(950), quantity(48_200), quantity(3_410_000), quantity(28_000_000_000)
    ('950', '48.2k', '3.41M', '28B')
    """
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return (
                f"{number / size:.3g}{letter}"
                if number < 999.5 * size
                else f"{number // size:,}{letter}"
            )
    return str(number)


def kind_counts(campaigns: Sequence["Campaign"]) -> str:
    """How many of each kind, gravest first: "2 extraction campaigns and 1 relay pool"."""
    counts = Counter(campaign.kind for campaign in campaigns)
    return listing([count(counts[kind], *KIND_NAMES[kind]) for kind in KIND_NAMES if counts[kind]])


def listing(parts: Sequence[str]) -> str:
    """Words joined as a person would.

    >>> listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def choice(parts: Sequence[str]) -> str:
    """The same with "or"."""
    return " or ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def headline(result: "ScanResult") -> str:
    """What was found, in one sentence."""
    summary = result.summary
    traffic = f"{count(summary.events, 'event')} of {count(summary.accounts, 'account')}"
    when = span(summary.first_seen, summary.last_seen)
    grave = [c for c in result.campaigns if c.kind in GRAVE_KINDS]
    other = [c for c in result.campaigns if c.kind not in GRAVE_KINDS]
    if not result.campaigns:
        return f"No coordinated group found in {traffic} ({when})."
    if not grave:
        nothing = f"No extraction campaign or relay pool found in {traffic} ({when})"
        return f"{nothing}; {kind_counts(other)}."
    members = count(sum(c.size for c in grave), "account")
    also = f"; also {kind_counts(other)}" if other else ""
    return f"{kind_counts(grave)} with {members}, in {traffic} ({when}){also}."


def one_line(campaign: "Campaign") -> str:
    """A campaign on one line: kind, objective, size, since when, how sure."""
    aim = f" of {campaign.objective}" if campaign.objective else ""
    return (
        f"{KIND_NAMES[campaign.kind][0]}{aim}: {count(campaign.size, 'account')}, "
        f"{count(campaign.events, 'event')}, since {day(campaign.first_seen)}; "
        f"coordination {sure(campaign.q_coordination)}, {kind_claim(campaign)}"
    )


def kind_claim(campaign: "Campaign") -> str:
    """How sure the kind is: a q-value for extraction, whose benign explanations were tested.

    Every other kind is the first benign explanation that stands, which is no proof of it.
    """
    if campaign.kind is Kind.EXTRACTION:
        return f"kind {sure(campaign.q_kind)}"
    return "extraction not asserted"


def statement(campaign: "Campaign") -> str:
    """What the campaign is, in one sentence."""
    aim = campaign.objective or "answers"
    verb = {
        Kind.EXTRACTION: f"acted as one operation to harvest {aim}",
        Kind.RELAY: "act like a pool that passes on the traffic of others",
        Kind.EVALUATION: "put the same questions, as an evaluation does",
        Kind.SHARED_APP: "act like users of one application",
        Kind.ORGANISATION: "act like accounts of one organisation or customer",
        Kind.UNKNOWN: "act together; what for is not established",
    }[campaign.kind]
    when = span(campaign.first_seen, campaign.last_seen)
    return f"{count(campaign.size, 'account')} {verb}: {count(campaign.events, 'event')}, {when}."
