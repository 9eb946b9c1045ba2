"""Who signed up: bursts, shared payments and devices, plans that do not fit the use."""

from typing import Final

import numpy as np
import pyarrow.compute as pc

from stillwatch.detect.features import Family, Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal
from stillwatch.detect.signals.volume import volume
from stillwatch.stats.arrays import FloatArray, IntArray

HALF_HOUR: Final = 1_800.0
WEEK: Final = 7 * measures.DAY


def signup_burst(population: Population) -> FloatArray:
    """Excess of sign-ups within half an hour of the account's own, in standard deviations.

    The expected number is the rate of the 24 hours around it without that hour, times what the
    hour of the day usually gets; one is added to the Poisson variance so that quiet times give no
    large values.
    """
    own = population.signup_seconds()
    times = np.sort(own[~np.isnan(own)])
    near = _within(times, own, HALF_HOUR) - 1
    around = _within(times, own, measures.DAY / 2) - 1
    hour = np.where(np.isnan(own), 0, own // 3600 % 24).astype(np.int64)
    expected = (around - near) / 23 * _by_hour(times)[hour]
    return measures.where(~np.isnan(own), (near - expected) / np.sqrt(expected + 1))


def _within(times: FloatArray, centres: FloatArray, reach: float) -> FloatArray:
    """How many sorted times lie within `reach` of each centre."""
    upper = np.searchsorted(times, centres + reach, side="right")
    return (upper - np.searchsorted(times, centres - reach)).astype(np.float64)


def _by_hour(times: FloatArray) -> FloatArray:
    """How busy each hour of the day is, mean 1, smoothed over its neighbours."""
    counts = np.bincount((times // 3600 % 24).astype(np.int64), minlength=24) + 1.0
    smooth = (np.roll(counts, 1) + 2 * counts + np.roll(counts, -1)) / 4
    return np.asarray(smooth / smooth.mean())


def signup_network_burst(population: Population) -> FloatArray:
    """Accounts of other organisations from the same sign-up network within a week of the account.

    An account without an organisation counts as one of its own.
    """
    carried = measures.family(population, Family.SIGNUP_NETWORK)
    signup = population.signup_seconds()[carried.account]
    known = ~np.isnan(signup)
    account, time = carried.account[known], signup[known]
    network = carried.number[known].astype(np.int64)
    organisation = _organisations(population)[account]
    _, inside = np.unique(np.stack([network, organisation]), axis=1, return_inverse=True)
    measure = np.full(population.size, np.nan)
    measure[account] = _group_within(network, time, WEEK) - _group_within(inside, time, WEEK)
    return measure


def _group_within(group: IntArray, time: FloatArray, reach: float) -> FloatArray:
    """How many members of the same group lie within `reach` of each one's time."""
    if not time.size:
        return time
    # groups are laid out one after another on one axis, too far apart to touch
    placed = group * (np.ptp(time) + 3 * reach) + (time - time.min())
    return _within(np.sort(placed), placed, reach)


def shared_payment(population: Population) -> FloatArray:
    """Other organisations that pay with the account's payment method."""
    return _shared(population, Family.PAYMENT)


def shared_device(population: Population) -> FloatArray:
    """Other organisations that use the account's device."""
    return _shared(population, Family.DEVICE)


def _shared(population: Population, family: Family) -> FloatArray:
    """Other organisations that carry the account's value; the largest where it has several."""
    carried = measures.family(population, family)
    value = carried.number
    pairs = np.unique(np.stack([value, _organisations(population)[carried.account]]), axis=1)
    others = np.bincount(pairs[0])[value] - 1.0
    measure = np.full(population.size, -np.inf)
    np.maximum.at(measure, carried.account, others)
    return measures.where(np.isfinite(measure), measure)


def _organisations(population: Population) -> IntArray:
    """A code per account: its organisation's, or one of its own where it has none."""
    codes = -1 - np.arange(population.size, dtype=np.int64)
    carried = measures.family(population, Family.ORGANISATION)
    codes[carried.account] = carried.number
    return codes


def use_against_plan(population: Population) -> FloatArray:
    """Events per active day over the median of accounts on the same plan."""
    if population.accounts is None:
        return np.full(population.size, np.nan)
    plan = population.accounts["plan"].combine_chunks()
    codes = np.asarray(pc.index_in(plan, pc.unique(plan.drop_null())).fill_null(-1))
    daily = volume(population)
    measure = np.full(population.size, np.nan)
    for code in range(codes.max() + 1):
        rows = codes == code
        measure[rows] = daily[rows] / np.nanmedian(daily[rows])
    return measure


def disposable_mail(population: Population) -> FloatArray:
    """1 where the account's mail domain is on the list of disposable ones, else 0."""
    listed = population.disposable
    return np.full(population.size, np.nan) if listed is None else listed.astype(np.float64)


def _no_disposable_list(population: Population) -> str | None:
    if population.disposable is None:
        return "no list of disposable mail domains: build one with `stillwatch lists build`"
    return None


SIGNALS = (
    Signal(
        "signup_burst",
        Line.LIFECYCLE,
        signup_burst,
        "signed up in a burst {value} standard deviations above the usual rate (typical {typical})",
        unavailable=measures.needs_account_columns("created_at"),
    ),
    Signal(
        "signup_network_burst",
        Line.IDENTITY,
        signup_network_burst,
        "{value} accounts of other organisations signed up from its network in a week"
        " (typical {typical})",
        unavailable=measures.needs_account_columns("signup_address", "created_at"),
    ),
    Signal(
        "shared_payment",
        Line.IDENTITY,
        shared_payment,
        "{value} other organisations pay with its payment method (typical {typical})",
        unavailable=measures.needs_account_columns("payment_hash"),
    ),
    Signal(
        "shared_device",
        Line.IDENTITY,
        shared_device,
        "{value} other organisations use its device (typical {typical})",
        unavailable=measures.needs_account_columns("device_hash"),
    ),
    Signal(
        "use_against_plan",
        Line.IDENTITY,
        use_against_plan,
        "uses {value} times the median of its plan (typical {typical})",
        unavailable=measures.needs_account_columns("plan"),
    ),
    Signal(
        "disposable_mail",
        Line.IDENTITY,
        disposable_mail,
        "its mail domain is disposable",
        unavailable=_no_disposable_list,
    ),
)
