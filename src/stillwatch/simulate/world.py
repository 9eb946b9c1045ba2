"""What surrounds accounts: countries, networks, clients and models. All of it is invented.

Addresses come from 240.0.0.0/4 and autonomous systems from the private 32-bit range, so that no
simulated account points at a real network.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from stillwatch.simulate.grammar import LANGUAGES

COUNTRIES: Final = (
    # country, region, hours from UTC, share of accounts, languages with weights
    ("US", "north-america", -6.0, 22.0, {"en": 9, "es": 1}),
    ("CA", "north-america", -5.0, 3.0, {"en": 4, "fr": 1}),
    ("GB", "europe", 0.0, 6.0, {"en": 1}),
    ("DE", "europe", 1.0, 6.0, {"de": 4, "en": 1}),
    ("FR", "europe", 1.0, 5.0, {"fr": 5, "en": 1, "ar": 0.3}),
    ("ES", "europe", 1.0, 4.0, {"es": 5, "en": 1}),
    ("NL", "europe", 1.0, 2.5, {"en": 3, "de": 0.5}),
    ("PL", "europe", 1.0, 2.0, {"en": 3, "ru": 0.3}),
    ("IN", "south-asia", 5.5, 10.0, {"en": 4, "hi": 4}),
    ("SG", "east-asia", 8.0, 2.0, {"en": 3, "zh": 2}),
    ("HK", "east-asia", 8.0, 2.0, {"zh": 4, "en": 1}),
    ("TW", "east-asia", 8.0, 3.0, {"zh": 6, "en": 1}),
    ("JP", "east-asia", 9.0, 6.0, {"ja": 9, "en": 1}),
    ("KR", "east-asia", 9.0, 4.5, {"ko": 9, "en": 1}),
    ("VN", "south-east-asia", 7.0, 1.5, {"en": 2, "zh": 0.2}),
    ("ID", "south-east-asia", 7.0, 2.0, {"en": 2}),
    ("BR", "south-america", -3.0, 6.0, {"pt": 9, "en": 1}),
    ("MX", "south-america", -6.0, 3.0, {"es": 9, "en": 1}),
    ("AR", "south-america", -3.0, 1.5, {"es": 9, "en": 1}),
    ("AE", "middle-east", 4.0, 1.5, {"ar": 3, "en": 2}),
    ("SA", "middle-east", 3.0, 1.5, {"ar": 5, "en": 1}),
    ("EG", "africa", 2.0, 1.8, {"ar": 6, "en": 1}),
    ("NG", "africa", 1.0, 1.5, {"en": 1}),
    ("ZA", "africa", 2.0, 1.0, {"en": 1}),
    ("KZ", "central-asia", 5.0, 1.2, {"ru": 5, "en": 1}),
    ("UA", "europe", 2.0, 1.5, {"ru": 2, "en": 2}),
    ("AU", "oceania", 10.0, 2.0, {"en": 1}),
)
"""Country, region, zone, share and languages of a provider's accounts."""

_FIRST_BLOCK: Final = 240 << 24
_FIRST_ASN: Final = 4_200_000_000
_ISPS: Final = 5
_HOSTS: Final = 60
_TUNNELS: Final = 20


@dataclass(frozen=True)
class Networks:
    """Autonomous systems: each owns `width` consecutive /16 blocks from `block`."""

    asn: np.ndarray
    block: np.ndarray
    width: np.ndarray
    country: np.ndarray

    def address(self, system: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A uniformly drawn address (uint32) inside each given system."""
        offset = (rng.random(len(system)) * self.width[system] * 65_536).astype(np.int64)
        found: np.ndarray = _FIRST_BLOCK + self.block[system] * 65_536 + offset
        return found.astype(np.uint32)


@dataclass(frozen=True)
class World:
    """The stage on which every cohort and campaign plays."""

    networks: Networks
    isps: np.ndarray  # [countries, _ISPS] system numbers, access providers
    hosts: np.ndarray  # system numbers of hosting networks
    tunnels: np.ndarray  # system numbers of VPN services
    sites: np.ndarray  # system numbers of campuses and companies
    country_share: np.ndarray
    zones: np.ndarray
    speech: np.ndarray  # [countries, languages] row-stochastic


def build_world(sites: int = 400) -> World:
    """Lay out networks and countries; the same world for every seed."""
    count = len(COUNTRIES)
    systems = [(country, 12) for country in range(count) for _ in range(_ISPS)]
    hosting = [(place % count, 8) for place in range(_HOSTS)]
    tunnels = [(place * 3 % count, 2) for place in range(_TUNNELS)]
    campus = [(place * 7 % count, 1) for place in range(sites)]
    layout = systems + hosting + tunnels + campus
    width = np.array([entry[1] for entry in layout])
    networks = Networks(
        asn=_FIRST_ASN + np.arange(len(layout)) * 17,
        block=np.concatenate([[0], np.cumsum(width)[:-1]]),
        width=width,
        country=np.array([entry[0] for entry in layout]),
    )
    edges = np.cumsum([0, len(systems), len(hosting), len(tunnels), len(campus)])
    parts = [np.arange(low, high) for low, high in pairwise(edges)]
    share = np.array([entry[3] for entry in COUNTRIES])
    speech = np.array([[entry[4].get(tongue, 0.0) for tongue in LANGUAGES] for entry in COUNTRIES])
    return World(
        networks=networks,
        isps=parts[0].reshape(count, _ISPS),
        hosts=parts[1],
        tunnels=parts[2],
        sites=parts[3],
        country_share=share / share.sum(),
        zones=np.array([entry[2] for entry in COUNTRIES]),
        speech=speech / speech.sum(axis=1, keepdims=True),
    )


def _clients() -> tuple[list[str], list[str], list[str]]:
    """User agents, their TLS fingerprints and families, in a fixed order."""
    agents: list[tuple[str, str, str]] = []
    platforms = (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "Linux; Android 14; K",
    )
    for version in range(126, 140):
        for platform in platforms:
            engine = "AppleWebKit/537.36 (KHTML, like Gecko)"
            text = f"Mozilla/5.0 ({platform}) {engine} Chrome/{version}.0.0.0"
            agents.append((text, f"chrome{version // 4}", "browser"))
    agents += [
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {v}_{m} like Mac OS X) AppleWebKit/605.1.15",
            f"ios{v}",
            "browser",
        )
        for v in (16, 17, 18)
        for m in range(5)
    ]
    kits = (
        ("openai-python", 1, 40, 96, "py"),
        ("openai-node", 4, 40, 90, "node"),
        ("python-requests", 2, 28, 33, "py"),
        ("python-httpx", 0, 24, 29, "py"),
        ("langchain", 0, 1, 4, "py"),
        ("axios", 1, 4, 9, "node"),
        ("curl", 8, 1, 12, "curl"),
        ("okhttp", 4, 9, 13, "okhttp"),
        ("Go-http-client", 2, 0, 1, "go"),
        ("litellm", 1, 40, 70, "py"),
    )
    for name, major, low, high, stack in kits:
        for minor in range(low, high):
            agents.append(
                (f"{name}/{major}.{minor}.{minor * 7 % 5}", f"{stack}{minor // 8}", "kit")
            )
    return [a[0] for a in agents], [_ja4(a[1]) for a in agents], [a[2] for a in agents]


def _ja4(stack: str) -> str:
    """A JA4-shaped constant for one TLS stack."""
    value = 1469598103934665603
    for byte in stack.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return (
        f"t13d{value % 9 + 10}{value % 7 + 10:02d}h2_{value >> 16:012x}"[:23]
        + f"_{value % 2**48:012x}"
    )


@dataclass(frozen=True)
class Clients:
    """The catalogue of clients: user agents, JA4 fingerprints, and which are browsers."""

    agents: list[str]
    tls: list[str]
    browsers: np.ndarray
    kits: np.ndarray


def build_clients() -> Clients:
    """The catalogue, the same for every seed."""
    agents, tls, families = _clients()
    family = np.array(families)
    return Clients(
        agents, tls, np.flatnonzero(family == "browser"), np.flatnonzero(family == "kit")
    )


MODELS: Final = ("quartz-3-mini", "quartz-3", "quartz-3-deep", "quartz-4")
"""Models of the invented provider; the last one is released inside the window."""
OLD_MODELS: Final = 3
NEW_MODEL: Final = 3
EFFORTS: Final = ("low", "medium", "high")
PLANS: Final = ("free", "plus", "team", "usage", "enterprise")
