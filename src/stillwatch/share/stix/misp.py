"""An edge: bundles as MISP events, through the misp-stix library (extra `misp`).

An event is made of a bundle that has passed the allow-list and of nothing else. MISP has no object
for our observables, so the counts become attributes of the event.
"""

import json
from typing import Any

from stillwatch.errors import ConfigError, InputError
from stillwatch.share.stix import allowlist, extension, tlp
from stillwatch.share.stix.bundle import Stix, objects_of

_UNKNOWN_TO_MISP = {extension.ACTIVITY, "observed-data", "extension-definition"}


def event(bundle: Stix) -> bytes:
    """Return the MISP event of a bundle, as JSON.

    Raises:
        ConfigError: The extra `misp` is not installed.
        InputError: The bundle holds what may not leave, or no campaign.
    """
    allowlist.check(bundle)
    things = objects_of(bundle)
    campaigns = [one for one in things if one["type"] == "campaign"]
    if not campaigns:
        raise InputError("the bundle has no campaign to make a MISP event of: export one first")
    made = _converted(bundle)
    made.info = campaigns[0]["name"]
    made.set_date(campaigns[0]["first_seen"][:10])
    made.add_tag(f"tlp:{tlp.of_marking(campaigns[0]['object_marking_refs'][0]).value}")
    for thing in things:
        if thing["type"] == "observed-data":
            _count(made, "events", thing["number_observed"], thing)
        elif thing["type"] == extension.ACTIVITY:
            _count(made, "accounts", thing["accounts"], thing)
    return json.dumps({"Event": json.loads(made.to_json())}, sort_keys=True).encode()


def _converted(bundle: Stix) -> Any:
    """Run the converter over what MISP has words for."""
    try:
        import stix2  # noqa: PLC0415 - an extra
        from misp_stix_converter import ExternalSTIX2toMISPParser  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("MISP events need an extra: pip install 'stillwatch[misp]'") from error
    left = [one for one in objects_of(bundle) if one["type"] not in _UNKNOWN_TO_MISP]
    parser = ExternalSTIX2toMISPParser()
    parser.load_stix_bundle(stix2.parse({**bundle, "objects": left}, allow_custom=True))
    parser.parse_stix_bundle()
    return parser.misp_event


def _count(made: Any, what: str, number: int, counted: Stix) -> None:
    """Add a count as an attribute, with its window where it has one."""
    times = {
        name: counted[key]
        for name, key in (("first_seen", "first_observed"), ("last_seen", "last_observed"))
        if key in counted
    }
    name = counted["id"].partition("--")[2]
    made.add_attribute("counter", str(number), uuid=name, comment=what, to_ids=False, **times)
