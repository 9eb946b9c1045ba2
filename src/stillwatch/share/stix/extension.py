"""The one extension definition under which Stillwatch says what STIX 2.1 has no words for.

It adds observables (`llm-api-activity`; `llm-api-event` and `llm-api-account`, of which patterns
speak) and properties of campaigns and indicators. Its schema is published in docs/stix/, written
from the allow-list.
"""

from typing import Any, Final

PROJECT: Final = "identity--b3a6f0d4-6e0b-4f0e-9a51-0d7b6e2f9c14"
"""The STIX identity of the Stillwatch project, which made the extension."""
EXTENSION: Final = "extension-definition--5c0d2b7e-94a1-4f63-8d2a-71f3c6b0e895"
"""Id of the extension definition."""
ACTIVITY: Final = "llm-api-activity"
"""Observable: what a number of accounts did in a window."""
EVENT: Final = "llm-api-event"
"""Observable: one request and its response, as fingerprints show it."""
ACCOUNT: Final = "llm-api-account"
"""Observable: one account over the window that was looked at."""

_MADE: Final = "2026-11-01T00:00:00.000Z"
_SCHEMA: Final = "https://github.com/stillwatch/stillwatch/blob/main/docs/stix/extension.json"

PROJECT_IDENTITY: Final[dict[str, Any]] = {
    "type": "identity",
    "spec_version": "2.1",
    "id": PROJECT,
    "created_by_ref": PROJECT,
    "created": _MADE,
    "modified": _MADE,
    "name": "Stillwatch",
    "description": "Software that finds adversarial distillation in the logs of model providers.",
    "identity_class": "system",
}
"""Stands in every bundle, because the extension definition names it as its creator."""

DEFINITION: Final[dict[str, Any]] = {
    "type": "extension-definition",
    "spec_version": "2.1",
    "id": EXTENSION,
    "created_by_ref": PROJECT,
    "created": _MADE,
    "modified": _MADE,
    "name": "Campaigns against language-model APIs",
    "description": (
        "Adds the observables llm-api-activity, llm-api-event and llm-api-account, and properties "
        "of campaigns and indicators, such as a campaign's kind and q-values."
    ),
    "schema": _SCHEMA,
    "version": "1.0.0",
    "extension_types": ["new-sco", "property-extension"],
}
"""The extension definition, as it stands in every bundle."""


def properties(**values: Any) -> dict[str, Any]:
    """Return `extensions` of an object that takes properties of ours."""
    return {EXTENSION: {"extension_type": "property-extension", **values}}


OBSERVABLE: Final[dict[str, Any]] = {EXTENSION: {"extension_type": "new-sco"}}
"""`extensions` of an observable of ours."""


def of(thing: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an object says under our extension, or None."""
    extensions = thing.get("extensions")
    ours = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return ours if isinstance(ours, dict) else None
