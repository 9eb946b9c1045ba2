"""Where traffic comes from: listed networks, many networks, conversations that change accounts."""

from stillwatch.detect.features import Family, Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.stats.arrays import FloatArray


def hosting_share(population: Population) -> FloatArray:
    """Shrunken share of events from networks on the list of hosting providers."""
    return measures.rate(population, "on_hosting", of="on_lists_known")


def vpn_share(population: Population) -> FloatArray:
    """Shrunken share of events from networks on the list of VPN providers."""
    return measures.rate(population, "on_vpn", of="on_lists_known")


def _no_network_lists(population: Population) -> str | None:
    if measures.column(population, "on_lists_known").any():
        return None
    return "no lists of hosting and VPN networks: build them with `stillwatch lists build`"


def many_networks(population: Population) -> FloatArray:
    """Distinct networks (/24 or /48) per active day."""
    networks = measures.family(population, Family.NETWORK)
    number = measures.distinct(networks, population.size)
    return measures.where(number > 0, measures.ratio(number, population.pace_values("active_days")))


def conversation_hopping(population: Population) -> FloatArray:
    """Shrunken share of events in conversations that other accounts carry on too."""
    carried = measures.family(population, Family.CONVERSATION)
    shared = (carried.carriers > 1)[carried.number]
    hops = measures.events_with(carried.account[shared], carried.count[shared], population.size)
    return measures.shrunken_rate(hops, measures.column(population, "with_conversation"))


def _no_networks(population: Population) -> str | None:
    known = measures.family(population, Family.NETWORK).account.size
    return None if known else "no event of this log has a client_address"


SIGNALS = (
    Signal(
        "hosting_share",
        Line.NETWORK,
        hosting_share,
        "about {value} of its events come from hosting networks (typical {typical})",
        Unit.SHARE,
        _no_network_lists,
    ),
    Signal(
        "vpn_share",
        Line.NETWORK,
        vpn_share,
        "about {value} of its events come from VPN networks (typical {typical})",
        Unit.SHARE,
        _no_network_lists,
    ),
    Signal(
        "many_networks",
        Line.NETWORK,
        many_networks,
        "{value} networks per active day (typical {typical})",
        unavailable=_no_networks,
    ),
    Signal(
        "conversation_hopping",
        Line.NETWORK,
        conversation_hopping,
        "about {value} of its events go on in conversations of other accounts (typical {typical})",
        Unit.SHARE,
        measures.needs_counts("has a conversation_id", "with_conversation"),
    ),
)
