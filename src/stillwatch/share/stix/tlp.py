"""Traffic Light Protocol 2.0 in STIX 2.1: the marking definitions that OASIS publishes.

STIX 2.1 itself knows only TLP 1. The ids are those of the OASIS extension "tlp-2.0"
(cti-stix-common-objects). A bundle refers to them and does not carry them: they have no creator,
which the interoperability profile asks of every object in a bundle, and every tool knows them.
"""

from typing import Any, Final

from stillwatch.errors import InputError
from stillwatch.share.signatures.model import Tlp

EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
"""The OASIS extension that adds TLP 2.0 to marking definitions."""


IDS: Final = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def marking(tlp: Tlp) -> dict[str, Any]:
    """Return the marking definition of a level, exactly as OASIS publishes it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": IDS[tlp],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{tlp.upper()}",
        "extensions": {EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    }


def of_marking(identifier: str) -> Tlp:
    """Return the level that a marking definition's id stands for.

    Raises:
        InputError: It is no TLP 2.0 marking.
    """
    for tlp, known in IDS.items():
        if known == identifier:
            return tlp
    raise InputError("an object is marked with something other than TLP 2.0: mark it anew")
