"""The second question: what is a coordinated cluster?

Extraction is asserted only when every benign explanation has been rejected (an intersection-union
test: p_kind is the largest p-value over the explanations, Berger 1982), and when there is something
to harvest. An explanation is rejected by predictions that it makes and the cluster contradicts;
Rüger's rule asks for several, so that one prediction that a cluster breaks for its own reasons, a
promotion, a shared proxy, does not reject alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stillwatch.detect.predictions import Prediction
from stillwatch.detect.results import Alternative
from stillwatch.events.contracts import Kind
from stillwatch.stats.pvalues import ruger


Measured = Mapping[str, Prediction | None]
"""Predictions by name; None where the data do not allow one."""


@dataclass(frozen=True)
class Explanation:
    """A benign explanation of a coordinated cluster.

    Attributes:
        kind: what a cluster is called where this explanation stands.
        what: the explanation in words.
        predictions: names of the predictions it makes.
        agree: how many of them must be contradicted to reject it.
        instead: predictions that serve, two of them, where none of the first can be measured.
    """

    kind: Kind
    what: str
    predictions: tuple[str, ...]
    agree: int
    instead: tuple[str, ...] = ()


PEOPLE: Final = ("volumes", "pace", "interests")
"""What an organisation's accounts do where no accounts table says whose they are."""

EXPLANATIONS: Final = (
    Explanation(Kind.ORGANISATION, "one organisation", ("one_organisation",), 1, instead=PEOPLE),
    Explanation(Kind.RELAY, "a pool that carries many people's traffic", ("breadth",), 1),
    Explanation(
        Kind.EVALUATION,
        "evaluators who put the same questions",
        ("repeats", "moments", "identity", "network"),
        2,
    ),
    Explanation(
        Kind.SHARED_APP,
        "independent people who use one app or template",
        ("volumes", "moments", "identity", "network", "interests"),
        2,
    ),
    Explanation(
        Kind.UNKNOWN,
        "a class, course or event",
        ("repeats", "volumes", "identity", "pace", "interests"),
        2,
    ),
)
"""In the order in which a cluster that is not extraction takes its name."""


def test(measured: Measured, alpha: float) -> list[Alternative]:
    """Test every explanation on a cluster's measured predictions.

    An explanation none of whose predictions could be measured keeps p = 1: it is not rejected.
    """
    return [_alternative(explanation, measured, alpha) for explanation in EXPLANATIONS]


def p_kind(alternatives: list[Alternative]) -> float:
    """Return the p-value of "some benign explanation holds": the largest over the explanations."""
    return max(alternative.p_value for alternative in alternatives)


def name(alternatives: list[Alternative], measured: Measured) -> Kind:
    """Name a cluster that is not extraction by the first explanation that stands and is shown.

    That an explanation was not rejected does not make it true, so each needs a positive sign: an
    organisation's accounts must be known to be one, a relay's accounts must not be independent, the
    questions of an evaluation must repeat.
    """
    standing = {alternative.kind for alternative in alternatives if not alternative.rejected}
    shown = {
        Kind.ORGANISATION: measured.get("one_organisation") is not None,
        Kind.RELAY: Kind.SHARED_APP not in standing,
        Kind.EVALUATION: _stands(measured, "repeats"),
        Kind.SHARED_APP: True,
    }
    return next((kind for kind in shown if kind in standing and shown[kind]), Kind.UNKNOWN)


def _stands(measured: Measured, prediction: str) -> bool:
    found = measured.get(prediction)
    return found is not None and found.p_value > 0.05


def _alternative(explanation: Explanation, measured: Measured, alpha: float) -> Alternative:
    known = _known(explanation.predictions, measured)
    agree = min(explanation.agree, len(known))
    if not known and explanation.instead:
        known = _known(explanation.instead, measured)
        agree = min(2, len(known))
    if not known:
        return Alternative(
            explanation.kind,
            1.0,
            rejected=False,
            why=f"{explanation.what}: the log has nothing to test it",
        )
    p_value = float(ruger([prediction.p_value for prediction in known], agree))
    telling = sorted(known, key=lambda prediction: prediction.p_value)[:agree]
    why = "; ".join(prediction.text for prediction in telling)
    return Alternative(explanation.kind, p_value, p_value <= alpha, f"{explanation.what}: {why}")


def _known(names: tuple[str, ...], measured: Measured) -> list[Prediction]:
    return [prediction for key in names if (prediction := measured.get(key)) is not None]
