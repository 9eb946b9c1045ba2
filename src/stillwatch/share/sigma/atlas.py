"""Techniques of MITRE ATLAS that distillation uses, as tags of rules: `atlas.aml.t0024.002`."""

from typing import Final

NAMESPACE: Final = "atlas"

TECHNIQUES: Final = {
    "aml.t0005.001": "Train Proxy via Replication",
    "aml.t0008.005": "AI Service Proxies",
    "aml.t0012": "Valid Accounts",
    "aml.t0021": "Establish Accounts",
    "aml.t0024": "Exfiltration via AI Inference API",
    "aml.t0024.002": "Extract AI Model",
    "aml.t0040": "AI Model Inference API Access",
    "aml.t0042": "Verify Attack",
    "aml.t0048.004": "AI Intellectual Property Theft",
    "aml.t0051": "LLM Prompt Injection",
    "aml.t0054": "LLM Jailbreak",
    "aml.t0063": "Discover AI Model Outputs",
    "aml.t0065": "LLM Prompt Crafting",
    "aml.t0068": "LLM Prompt Obfuscation",
}
"""Names of ATLAS 5.6.0 by id, in lower case as tags want it."""
