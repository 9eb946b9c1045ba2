"""The techniques and mitigations of MITRE ATLAS that adversarial distillation uses, by id.

Names are those of ATLAS 5.6.0. A campaign's kind says which techniques it used for certain, its
objective which ones beside; markers of prompts say which techniques a signature looks for.
"""

from typing import Final, NamedTuple

from stillwatch.events.contracts import Kind, Verdict

VERSION: Final = "5.6.0"
"""Version of ATLAS whose names stand here."""
SOURCE: Final = "mitre-atlas"
"""Name of the catalogue in external references and kill chains."""


class Technique(NamedTuple):
    """An entry of the catalogue; `tactics` are its phases, as STIX writes them."""

    id: str
    name: str
    tactics: tuple[str, ...]


TECHNIQUES: Final = {
    technique.id: technique
    for technique in (
        Technique("AML.T0005.001", "Train Proxy via Replication", ("ai-attack-staging",)),
        Technique("AML.T0008.005", "AI Service Proxies", ("resource-development",)),
        Technique("AML.T0012", "Valid Accounts", ("initial-access", "privilege-escalation")),
        Technique("AML.T0021", "Establish Accounts", ("resource-development",)),
        Technique("AML.T0024.002", "Extract AI Model", ("exfiltration",)),
        Technique("AML.T0040", "AI Model Inference API Access", ("ai-model-access",)),
        Technique("AML.T0042", "Verify Attack", ("ai-attack-staging",)),
        Technique("AML.T0048.004", "AI Intellectual Property Theft", ("impact",)),
        Technique("AML.T0051", "LLM Prompt Injection", ("execution",)),
        Technique("AML.T0054", "LLM Jailbreak", ("privilege-escalation", "defense-evasion")),
        Technique("AML.T0063", "Discover AI Model Outputs", ("discovery",)),
        Technique("AML.T0065", "LLM Prompt Crafting", ("resource-development",)),
        Technique("AML.T0068", "LLM Prompt Obfuscation", ("defense-evasion",)),
    )
}
"""Techniques by ATLAS id."""

TAG_NAMESPACE: Final = "atlas"
"""What Sigma tags of techniques begin with: `atlas.aml.t0024.002`."""
TAGS: Final = {code.lower(): technique for code, technique in TECHNIQUES.items()}
"""Techniques by the name of their Sigma tag."""

OF_KIND: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.EXTRACTION: ("AML.T0021", "AML.T0024.002", "AML.T0040"),
    Kind.RELAY: ("AML.T0008.005", "AML.T0021", "AML.T0040"),
    Kind.UNKNOWN: ("AML.T0021", "AML.T0040"),
}
"""What a campaign of a kind does by definition; only these kinds are shared."""

OF_OBJECTIVE: Final[dict[str, tuple[str, ...]]] = {
    "grading": ("AML.T0005.001",),
    "rewriting": ("AML.T0005.001",),
    "reasoning": ("AML.T0063",),
    "synthetic-data": ("AML.T0005.001",),
    "tool-use": ("AML.T0065",),
    "coding": (),
    "general": (),
}
"""What harvesting with an objective adds."""

MITIGATIONS: Final[dict[Verdict, tuple[str, str]]] = {
    Verdict.WATCH: ("AML.M0024", "AI Telemetry Logging"),
    Verdict.THROTTLE: ("AML.M0004", "Restrict Number of AI Model Queries"),
    Verdict.CHALLENGE: ("AML.M0019", "Control Access to AI Models and Data in Production"),
    Verdict.DEGRADE: ("AML.M0002", "Passive AI Output Obfuscation"),
    Verdict.BLOCK: ("AML.M0019", "Control Access to AI Models and Data in Production"),
}
"""The mitigation of ATLAS that a response is an instance of: id and name."""


def techniques_of(kind: Kind, objective: str | None) -> list[str]:
    """Return the ids of the techniques that a campaign of this kind and objective uses, sorted.

    >>> techniques_of(Kind.EXTRACTION, "reasoning")
    ['AML.T0021', 'AML.T0024.002', 'AML.T0040', 'AML.T0063']
    """
    return sorted({*OF_KIND.get(kind, ()), *OF_OBJECTIVE.get(objective or "general", ())})
