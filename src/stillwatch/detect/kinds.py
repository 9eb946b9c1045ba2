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
        decisive: predictions any of which rejects it alone.
        predictions: other predictions it makes, which reject it together.
        instead: what it predicts where the log cannot test the decisive ones; None for the same.
        agree: how many predictions must be contradicted together to reject it; where fewer can be
            measured, they do not reject it.
        optional: left out where the log has nothing to test it; others then stand.
    """

    kind: Kind
    what: str
    decisive: tuple[str, ...] = ()
    predictions: tuple[str, ...] = ()
    instead: tuple[str, ...] | None = None
    agree: int = 2
    optional: bool = False


EXPLANATIONS: Final = (
    Explanation(
        Kind.ORGANISATION,
        "one organisation",
        decisive=("one_organisation",),
        instead=("volumes", "pace", "interests"),
    ),
    Explanation(
        Kind.ORGANISATION,
        "one customer with several accounts for ordinary use",
        decisive=("one_customer",),
        predictions=("ordinary_requests", "pace", "identity", "place"),
        instead=("ordinary_requests", "pace", "volumes", "moments"),
    ),
    Explanation(
        Kind.RELAY,
        "a pool that carries many people's traffic",
        decisive=("breadth", "ordinary_requests"),
    ),
    Explanation(
        Kind.EVALUATION,
        "evaluators who put the same questions",
        decisive=("moments",),
        predictions=("repeats", "identity", "network"),
    ),
    Explanation(
        Kind.SHARED_APP,
        "independent people who use one app or template",
        predictions=("volumes", "moments", "identity", "network", "interests", "pace"),
    ),
    Explanation(
        Kind.SHARED_APP,
        "fixed jobs that repeat their requests",
        decisive=("repetition",),
    ),
    Explanation(
        Kind.SHARED_APP,
        "monitors that ask for next to nothing",
        decisive=("short_answers",),
        optional=True,
    ),
    Explanation(
        Kind.UNKNOWN,
        "a class, course or event",
        decisive=("identity", "pace"),
        predictions=("ordinary_requests", "interests", "place"),
        agree=3,
    ),
    Explanation(
        Kind.UNKNOWN,
        "a class or course that does one assignment",
        decisive=("same_questions",),
    ),
)
"""In the order in which a cluster that is not extraction takes its name.

A verified organisation is one whatever it does. What accounts of one customer do counts beside who
pays; where no accounts table says either, it counts alone.
"""


def test(measured: Measured, alpha: float) -> list[Alternative]:
    """Test every explanation on a cluster's measured predictions.

    An explanation none of whose predictions could be measured keeps p = 1: it is not rejected. An
    optional one is then left out.
    """
    return [
        _alternative(explanation, measured, alpha)
        for explanation in EXPLANATIONS
        if not explanation.optional or _known(explanation.decisive, measured)
    ]


def asked(measured: Measured) -> bool:
    """Tell whether extraction is a question at all: of a verified organisation it is not."""
    return not _stands(measured, "one_organisation")


def p_kind(alternatives: list[Alternative]) -> float:
    """Return the p-value of "some benign explanation holds": the largest over the explanations."""
    return max(alternative.p_value for alternative in alternatives)


def name(alternatives: list[Alternative], measured: Measured, *, stands_out: bool) -> Kind:
    """Name a cluster that is not extraction by the first explanation that stands and is shown.

    That an explanation was not rejected does not make it true, so each needs a positive sign: an
    organisation's accounts must be known to be one, a relay's accounts must stand out and not be
    independent, the questions of an evaluation must repeat.

    Args:
        alternatives: the explanations, tested.
        measured: the predictions behind them.
        stands_out: whether the members behave unlike strangers.
    """
    standing = {alternative.kind for alternative in alternatives if not alternative.rejected}
    shown = {
        Kind.ORGANISATION: _stands(measured, "one_organisation")
        or _stands(measured, "one_customer"),
        Kind.EVALUATION: _stands(measured, "repeats"),
        Kind.RELAY: stands_out and Kind.SHARED_APP not in standing,
        Kind.SHARED_APP: True,
    }
    return next((kind for kind in shown if kind in standing and shown[kind]), Kind.UNKNOWN)


def _stands(measured: Measured, prediction: str) -> bool:
    found = measured.get(prediction)
    return found is not None and found.p_value > 0.05


def _alternative(explanation: Explanation, measured: Measured, alpha: float) -> Alternative:
    decisive = _known(explanation.decisive, measured)
    names = explanation.predictions
    if not decisive and explanation.instead is not None:
        names = explanation.instead
    together = _known(names, measured)
    agree = explanation.agree
    tests = [(float(ruger([p.p_value for p in decisive], 1)), decisive, 1)] if decisive else []
    if len(together) >= agree:
        tests.append((float(ruger([p.p_value for p in together], agree)), together, agree))
    if not tests:
        why = "the log has nothing to test it"
        return Alternative(explanation.kind, 1.0, rejected=False, why=why, what=explanation.what)
    least, behind, count = min(tests, key=lambda test: test[0])
    p_value = min(1.0, len(tests) * least)
    telling = sorted(behind, key=lambda prediction: prediction.p_value)[:count]
    why = "; ".join(prediction.text for prediction in telling)
    return Alternative(explanation.kind, p_value, p_value <= alpha, why, explanation.what)


def _known(names: tuple[str, ...], measured: Measured) -> list[Prediction]:
    return [prediction for key in names if (prediction := measured.get(key)) is not None]
