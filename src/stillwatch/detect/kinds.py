"""The second question: what is a coordinated cluster?

Extraction is asserted only when every benign explanation has been rejected (an intersection-union
test: p_kind is the largest p-value over the explanations, Berger 1982), and when there is something
to harvest. An explanation is rejected by predictions that it makes and the cluster contradicts, in
most ways by several together, so that one prediction that a cluster breaks for its own reasons, a
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
class Way:
    """One way to reject an explanation: predictions that are contradicted together.

    Attributes:
        predictions: their names.
        agree: how many of them must be contradicted (Rüger's rule); all where None. The way is
            closed where the log can test fewer.
        unless: the way is open only where the log cannot test this prediction.
    """

    predictions: tuple[str, ...]
    agree: int | None = None
    unless: str | None = None


def _ways(*ways: str | tuple[str, ...] | Way) -> tuple[Way, ...]:
    return tuple(
        way if isinstance(way, Way) else Way((way,) if isinstance(way, str) else way)
        for way in ways
    )


@dataclass(frozen=True)
class Explanation:
    """A benign explanation of a coordinated cluster.

    Attributes:
        kind: what a cluster is called where this explanation stands.
        what: the explanation in words.
        ways: any of which rejects it.
        optional: left out where the log has nothing to test it; others then stand.
    """

    kind: Kind
    what: str
    ways: tuple[Way, ...]
    optional: bool = False


EXPLANATIONS: Final = (
    Explanation(
        Kind.ORGANISATION,
        "one organisation",
        _ways(
            "one_organisation",
            Way(("volumes", "pace", "interests"), agree=2, unless="one_organisation"),
        ),
    ),
    Explanation(
        Kind.ORGANISATION,
        "one customer with several accounts for ordinary use",
        _ways(
            "one_customer",
            ("ordinary_requests", "identity"),
            ("ordinary_requests", "pace", "place"),
            ("ordinary_requests", "pace", "moments"),
            Way(
                ("ordinary_requests", "pace", "volumes", "moments"), agree=2, unless="one_customer"
            ),
        ),
    ),
    Explanation(
        Kind.RELAY,
        "a pool that carries many people's traffic",
        _ways("breadth", "ordinary_requests"),
    ),
    Explanation(
        Kind.EVALUATION,
        "evaluators who put the same questions",
        _ways("repeats", "moments"),
    ),
    Explanation(
        Kind.SHARED_APP,
        "independent people who use one app or template",
        _ways(
            # A few firms with several accounts each share cards and networks for one reason.
            Way(("volumes", "moments", "identity", "interests", "pace"), agree=2),
            Way(("volumes", "moments", "network", "interests", "pace"), agree=2),
            ("ordinary_requests", "ordinary_accounts", "moments"),
            ("ordinary_requests", "ordinary_accounts", "identity"),
            ("ordinary_accounts", "one_web"),
        ),
    ),
    Explanation(Kind.SHARED_APP, "fixed jobs that repeat their requests", _ways("repetition")),
    Explanation(
        Kind.SHARED_APP,
        "monitors that ask for next to nothing",
        _ways("short_answers"),
        optional=True,
    ),
    Explanation(
        Kind.UNKNOWN,
        "a class, course or event",
        _ways(
            "many_means",
            ("ordinary_accounts", "identity"),
            ("ordinary_accounts", "place"),
            ("ordinary_requests", "extreme_accounts"),
            ("pace", "volumes"),
            ("ordinary_requests", "identity"),
            ("ordinary_requests", "pace"),
            ("ordinary_requests", "one_place"),
            ("ordinary_requests", "interests", "place"),
        ),
    ),
    Explanation(
        Kind.UNKNOWN,
        "a class or course that does one assignment",
        _ways(
            "same_questions",
            "many_means",
            ("ordinary_accounts", "identity"),
            ("ordinary_accounts", "place"),
            ("ordinary_requests", "extreme_accounts"),
            ("pace", "volumes"),
            ("ordinary_requests", "identity"),
            ("ordinary_requests", "pace"),
            ("ordinary_requests", "one_place"),
        ),
    ),
)
"""In the order in which a cluster that is not extraction takes its name.

A verified organisation is one whatever it does; what accounts do says something of the organisation
or the customer behind them only where no accounts table names one.
"""


def test(measured: Measured, alpha: float) -> list[Alternative]:
    """Test every explanation on a cluster's measured predictions.

    An explanation none of whose predictions could be measured keeps p = 1: it is not rejected. An
    optional one is then left out.
    """
    return [
        _alternative(explanation, measured, alpha)
        for explanation in EXPLANATIONS
        if not explanation.optional or _tests(explanation, measured)
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
    organisation's accounts must be known to be one, a relay's accounts must stand out and be
    neither independent nor one customer's, the questions of an evaluation must repeat.

    Args:
        alternatives: the explanations, tested.
        measured: the predictions behind them.
        stands_out: whether the members behave unlike strangers.
    """
    standing = {alternative.kind for alternative in alternatives if not alternative.rejected}
    shown = {
        Kind.ORGANISATION: _stands(measured, "one_organisation")
        or _stands(measured, "known_customer"),
        Kind.EVALUATION: _stands(measured, "repeats"),
        Kind.RELAY: stands_out
        and Kind.SHARED_APP not in standing
        and not _stands(measured, "one_customer"),
        Kind.SHARED_APP: True,
    }
    return next((kind for kind in shown if kind in standing and shown[kind]), Kind.UNKNOWN)


def _stands(measured: Measured, prediction: str) -> bool:
    found = measured.get(prediction)
    return found is not None and found.p_value > 0.05


def _alternative(explanation: Explanation, measured: Measured, alpha: float) -> Alternative:
    tests = _tests(explanation, measured)
    if not tests:
        why = "the log has nothing to test it"
        return Alternative(explanation.kind, 1.0, rejected=False, why=why, what=explanation.what)
    least, behind = min(tests, key=lambda test: test[0])
    p_value = min(1.0, len(tests) * least)
    why = "; ".join(prediction.text for prediction in behind)
    return Alternative(explanation.kind, p_value, p_value <= alpha, why, explanation.what)


def _tests(explanation: Explanation, measured: Measured) -> list[tuple[float, list[Prediction]]]:
    """Return the p-value of each open way, and the predictions that are most contradicted."""
    found = []
    for way in explanation.ways:
        known = [p for name in way.predictions if (p := measured.get(name)) is not None]
        agree = len(way.predictions) if way.agree is None else way.agree
        if len(known) < agree or (way.unless and measured.get(way.unless) is not None):
            continue
        telling = sorted(known, key=lambda prediction: prediction.p_value)[:agree]
        # Where all must agree, the largest p-value is that of their union (Berger 1982).
        p_value = telling[-1].p_value
        if way.agree is not None:
            p_value = float(ruger([prediction.p_value for prediction in known], agree))
        found.append((p_value, telling))
    return found
