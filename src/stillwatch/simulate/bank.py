"""Where work items come from: the grammar, or real prompts where a directory of them is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.simulate.chat import entities, speak, topics
from stillwatch.simulate.grammar import LANGUAGES, grammar


@dataclass(frozen=True)
class Bank:
    """Real prompts by use; empty lists leave everything to the grammar.

    `quotes` are human prompts per language number; `items` are work items per kind; `frames` are
    templates per grammar rule with the holes `{item}` and `{passage}`. `answers` are output tokens
    per request of a serving trace.
    """

    quotes: Mapping[int, pa.Array] = field(default_factory=dict)
    items: Mapping[str, pa.Array] = field(default_factory=dict)
    frames: Mapping[str, list[str]] = field(default_factory=dict)
    answers: np.ndarray = field(default_factory=lambda: np.array([]))

    def draw(
        self, rule: str, count: int, rng: np.random.Generator, language: int, near: np.ndarray
    ) -> tuple[pa.Array, pa.Array]:
        """`count` work items of one kind with an answer each.

        Args:
            rule: Kind of work item, such as "question": a rule of the grammar or a key of `items`.
            count: Number of items.
            rng: Source of every draw.
            language: Place in `LANGUAGES`.
            near: Topics (places in `topics`) that the items are about.
        """
        return self.about(rule, rng, language, rng.choice(near, count))

    def about(
        self, rule: str, rng: np.random.Generator, language: int, topic: np.ndarray
    ) -> tuple[pa.Array, pa.Array]:
        """A work item about each topic, with an answer each; see `draw`.

        Real items are about what they are about.
        """
        words, count = grammar(LANGUAGES[language]), len(topic)
        place = topic % len(topics(words))
        given = {"topic": topics(words).take(pa.array(place)), "own": entities(count, rng)}
        known = self.items.get(rule)
        if known is not None and language == 0:
            index = rng.permutation(len(known))[: min(count, len(known))]
            items = known.take(pa.array(np.resize(index, count)))
            if count > len(known):
                items = _vary(items, len(known), rng, given)
        else:
            items = words.expand(rule if rule in words else "question", count, rng, given)
        return items, speak(rng, count, language, given)

    def templates(
        self, rule: str, count: int, rng: np.random.Generator, language: int
    ) -> list[str]:
        """`count` frames of a rule with the holes `{item}`, `{passage}` and `{topic}` left open."""
        known = self.frames.get(rule)
        if known and language == 0 and rng.random() < 0.3:
            return [known[place] for place in rng.integers(0, len(known), count)]
        holes = {
            name: pa.repeat(pa.scalar("{" + name + "}"), count) for name in ("item", "passage")
        }
        # One topic per frame: an operation has a narrow subject.
        words = grammar(LANGUAGES[language])
        near = topics(words).take(pa.array(rng.integers(0, len(topics(words)), count)))
        drawn = words.expand(
            rule, count, rng, {**holes, "topic": near, "own": entities(count, rng)}
        )
        return list(pc.utf8_trim_whitespace(drawn).to_pylist())


def _vary(
    items: pa.Array, distinct: int, rng: np.random.Generator, given: Mapping[str, pa.Array]
) -> pa.Array:
    """Tell repeated items apart by a sentence of context; the first round stays as it is."""
    words = grammar("en")
    extra = words.expand("addition", len(items), rng, given)
    varied = pc.binary_join_element_wise(items, " ", extra, "")
    first = pa.array(np.arange(len(items)) < distinct)
    return pc.if_else(first, items, varied)
