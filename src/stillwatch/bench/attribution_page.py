"""How good attribution is on questions that took no part in making its weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace

from stillwatch.bench.attribution import Question, sources_of
from stillwatch.share.attribution.rank import chances
from stillwatch.share.attribution.trace import CLAIMS, OF_ACCOUNTS, OF_EVENTS, Trace
from stillwatch.share.attribution.weights import Source, Weights
from stillwatch.share.signatures.model import Rate
from stillwatch.simulate.operators import FIRMS, firm

EDGES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
"""Edges of the bins of stated confidence."""
HARD: Final = 0.5
"""A knob from here on is said to be used."""


GIVEN: Final = {
    "events and accounts": frozenset(Trace),
    "events": frozenset((*OF_EVENTS, Trace.PACE, Trace.SIGNATURE)),
    "accounts": frozenset((*OF_ACCOUNTS, *CLAIMS)),
    "names alone": frozenset(CLAIMS),
}
"""What may be given, and the traces that it shows."""


class Answer(msgspec.Struct, frozen=True):
    """What was said of one question.

    Attributes:
        known: whether the operator is among the candidates.
        said_unknown: whether "unknown" was likeliest.
        right: whether the answer was.
        confidence: stated for the answer, 0..1.
        brier: sum over candidates and "unknown" of the squared errors, 0..2; 0 is best.
        flag: highest confidence given to an organisation that was named falsely; None without.
    """

    known: bool
    said_unknown: bool
    right: bool
    confidence: float
    brier: float
    flag: float | None


class Bin(msgspec.Struct, frozen=True):
    """Answers whose stated confidence lies between two bounds."""

    low: float
    high: float
    stated: float
    hits: Rate


class Part(msgspec.Struct, frozen=True):
    """Questions of one sort.

    Attributes:
        name: which.
        known: with the operator among the candidates: how many were answered with it.
        wrong: of the same: how many with another candidate; the rest were "unknown".
        unknown: without it among the candidates: how many were answered "unknown".
    """

    name: str
    known: Rate
    wrong: Rate
    unknown: Rate


class Given(msgspec.Struct, frozen=True):
    """All questions again, where only some was given.

    Attributes:
        name: what was given.
        part: how it was answered.
        ece: expected calibration error of the answers, 0..1.
    """

    name: str
    part: Part
    ece: float


class Report(msgspec.Struct, frozen=True):
    """Everything that is measured.

    Attributes:
        questions: how many.
        given: all of them, where only some was given.
        parts: all of them, then by source of the right candidate, by flag and by knob.
        bins: reliability of the answers.
        named_bins: reliability of all candidates above 2 %, right or not.
        ece: expected calibration error of the answers, 0..1.
        brier: mean over questions.
        brier_silent: of whoever always says "unknown".
        flags: questions with a false flag, and how many were answered with it.
        highest_flag: highest confidence ever given to one.
    """

    questions: int
    given: list[Given]
    parts: list[Part]
    bins: list[Bin]
    named_bins: list[Bin]
    ece: float
    brier: float
    brier_silent: float
    flags: Rate
    highest_flag: float


@dataclass(frozen=True)
class _Asked:
    question: Question
    answer: Answer


@cache
def _firms() -> frozenset[str]:
    """Organisations that false flags name."""
    return frozenset(firm(number) for number in range(FIRMS))


def answer(question: Question, weights: Weights) -> Answer:
    """Answer one question and compare with the truth."""
    *each, unknown = chances(question.suspects, weights)
    known = any(question.right)
    best = int(np.argmax(each)) if each else -1
    silent = not each or each[best] <= unknown
    truth = np.array([*question.right, not known], float)
    if known:
        # Two names of one operator are both right; neither is an error beside the other.
        truth[:-1] *= np.array(each) / max(sum(np.array(each)[question.right]), 1e-12)
    firms = _firms()
    flags = [
        p
        for p, s, right in zip(each, question.suspects, question.right, strict=True)
        if s.name in firms and not right
    ]
    return Answer(
        known=known,
        said_unknown=silent,
        right=(not known) if silent else question.right[best],
        confidence=unknown if silent else each[best],
        brier=float(np.sum((np.array([*each, unknown]) - truth) ** 2)),
        flag=max(flags) if flags else None,
    )


def report(questions: Sequence[Question], weights: Weights) -> Report:
    """Measure weights on questions."""
    asked = [_Asked(q, answer(q, weights)) for q in questions]
    answers = [a.answer for a in asked]
    stated = np.array([a.confidence for a in answers])
    right = np.array([a.right for a in answers])
    bins = _bins(stated, right)
    pairs = [
        (p, good)
        for q in questions
        for p, good in zip(chances(q.suspects, weights)[:-1], q.right, strict=True)
        if p >= 0.02
    ]
    flags = [a for a in answers if a.flag is not None]
    fooled = [a for a in flags if not a.said_unknown and not a.right and a.flag == a.confidence]
    return Report(
        questions=len(asked),
        given=[_given(name, traces, questions, weights) for name, traces in GIVEN.items()],
        parts=_parts(asked),
        bins=bins,
        named_bins=_bins(np.array([p for p, _ in pairs]), np.array([g for _, g in pairs])),
        ece=_error(bins, len(asked)),
        brier=float(np.mean([a.brier for a in answers])),
        brier_silent=float(np.mean([2.0 * a.known for a in answers])),
        flags=Rate.of(len(fooled), len(flags)),
        highest_flag=max((a.flag or 0.0 for a in flags), default=0.0),
    )


def _given(
    name: str, traces: frozenset[Trace], questions: Sequence[Question], weights: Weights
) -> Given:
    """Answer all questions by some traces alone."""
    less = [
        replace(
            q,
            suspects=[
                replace(s, likenesses=tuple(x for x in s.likenesses if x.trace in traces))
                for s in q.suspects
            ],
        )
        for q in questions
    ]
    answers = [answer(q, weights) for q in less]
    stated = np.array([a.confidence for a in answers])
    bins = _bins(stated, np.array([a.right for a in answers]))
    return Given(name, _part(name, answers), _error(bins, len(answers)))


def _error(bins: Sequence[Bin], count: int) -> float:
    return sum(b.hits.accounts * abs(b.stated - b.hits.share) for b in bins) / count


def _parts(asked: Sequence[_Asked]) -> list[Part]:
    knobs = sorted({name for a in asked for name in a.question.knobs})
    groups: list[tuple[str, Callable[[_Asked], bool]]] = [
        ("all", lambda _: True),
        ("operator recorded", lambda a: Source.RECORDED in sources_of(a.question)),
        ("known from another member only", lambda a: sources_of(a.question) == {Source.RECEIVED}),
        ("only its name is known", lambda a: sources_of(a.question) == {Source.NAMED}),
        ("false flag", lambda a: a.question.flagged),
    ]
    groups += [(name, _uses(name)) for name in knobs]
    return [_part(name, [a.answer for a in asked if of(a)]) for name, of in groups]


def _uses(knob: str) -> Callable[[_Asked], bool]:
    return lambda asked: asked.question.knobs.get(knob, 0.0) >= HARD


def _part(name: str, answers: Sequence[Answer]) -> Part:
    known = [a for a in answers if a.known]
    absent = [a for a in answers if not a.known]
    wrong = [a for a in known if not a.right and not a.said_unknown]
    return Part(
        name,
        Rate.of(sum(a.right for a in known), len(known)),
        Rate.of(len(wrong), len(known)),
        Rate.of(sum(a.said_unknown for a in absent), len(absent)),
    )


def _bins(stated: np.ndarray, right: np.ndarray) -> list[Bin]:
    found = []
    for low, high in pairwise(EDGES):
        inside = (stated > low) & (stated <= high)
        if inside.any():
            hits = Rate.of(int(right[inside].sum()), int(inside.sum()))
            found.append(Bin(low, high, float(stated[inside].mean()), hits))
    return found


def page(found: Report) -> str:
    """Lay a report out in Markdown."""
    parts = [
        f"| {p.name} | {_said(p.known)} | {_said(p.wrong)} | {_said(p.unknown)} |"
        for p in found.parts
    ]
    head = (
        f"{found.questions} campaigns. Expected calibration error {found.ece:.3f}, Brier score "
        f'{found.brier:.3f} (always "unknown": {found.brier_silent:.3f}). Of '
        f"{found.flags.accounts} with a false flag, {found.flags.hits} were answered with it; "
        f"the highest confidence in one was {found.highest_flag:.2f}."
    )
    columns = (
        "| campaigns | operator among the candidates: named | another named |"
        ' not among them: "unknown" |'
    )
    less = [
        f"| {g.name} | {_said(g.part.known)} | {_said(g.part.wrong)} | {_said(g.part.unknown)} |"
        f" {g.ece:.3f} |"
        for g in found.given
    ]
    shorter = (
        "| given | operator among the candidates: named | another named |"
        ' not among them: "unknown" | calibration error |'
    )
    answers = ["| confidence of the answer | stated, mean | right |", "|---|--:|--:|"]
    candidates = ["| confidence of a candidate | stated, mean | right |", "|---|--:|--:|"]
    return "\n".join(
        [
            *(head, "", columns, "|---|--:|--:|--:|"),
            *parts,
            *("", shorter, "|---|--:|--:|--:|--:|", *less),
            *("", *answers, *map(_bin, found.bins)),
            *("", *candidates, *map(_bin, found.named_bins)),
        ]
    )


def _bin(each: Bin) -> str:
    return f"| {each.low:.1f} to {each.high:.1f} | {each.stated:.2f} | {_said(each.hits)} |"


def _said(rate: Rate) -> str:
    return f"{rate.share:.0%} ({rate.hits} of {rate.accounts})" if rate.accounts else "–"
