"""Talk: people's own questions, and sentences of one rule."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.simulate.content import Batch, Text, nothing, rows_of, scatter
from stillwatch.simulate.grammar import LANGUAGES, Grammar, grammar, join, lines

INTERESTS = 6
"""Personal topics of one account."""


def entities(count: int, rng: np.random.Generator) -> pa.Array:
    """Invented proper names, almost all distinct."""
    heads = pa.array(
        [
            "Al",
            "Ba",
            "Cor",
            "Dun",
            "El",
            "Fa",
            "Gri",
            "Hol",
            "Is",
            "Jo",
            "Ka",
            "Lu",
            "Mar",
            "Nor",
            "Os",
            "Pel",
            "Qui",
            "Ro",
            "Sel",
            "Tam",
            "Ul",
            "Ve",
            "Wes",
            "Xan",
            "Yar",
            "Zo",
        ]
    )
    cores = pa.array(
        ["ba", "dra", "fen", "gor", "la", "mi", "no", "pra", "ri", "sta", "ter", "vo", "wi", ""]
    )
    tails = pa.array(
        [
            "bank",
            "burg",
            "corp",
            "den",
            "field",
            "ford",
            "ia",
            "ics",
            "lab",
            "land",
            "ly",
            "mont",
            "nova",
            "on",
            "polis",
            "ra",
            "soft",
            "ton",
            "via",
            "works",
        ]
    )
    parts = [
        source.take(pa.array(rng.integers(0, len(source), count)))
        for source in (heads, cores, cores, tails)
    ]
    return join(*parts)


def topics(words: Grammar) -> pa.Array:
    """Every topic of a language; in English the domains one after the other, twelve topics each."""
    domains = words.names("domain.")
    if not domains:
        return words.leaves("topic")
    return pa.concat_arrays([words.leaves(name) for name in domains])


@dataclass
class Chat:
    """People's own questions: personal topics, a personal project name, follow-ups in a session.

    `quotes` maps a language to real human prompts; a session opens with one of the account's own
    with probability `quoted`.
    """

    language: np.ndarray
    interest: np.ndarray  # [accounts, INTERESTS] places in `topics` of the language
    own: pa.Array
    verbose: np.ndarray  # probability that a request carries pasted text
    quotes: dict[int, pa.Array]
    quoted: float
    system: pa.Array | None = None  # per account

    @classmethod
    def draw(
        cls,
        language: np.ndarray,
        rng: np.random.Generator,
        quotes: dict[int, pa.Array] | None = None,
        quoted: float = 0.45,
    ) -> Self:
        """Give every account interests: neighbouring topics around a few centres."""
        count = len(language)
        sizes = np.array([len(topics(grammar(name))) for name in LANGUAGES])[language]
        centre = rng.integers(0, sizes, size=(2, count))
        pick = centre[rng.integers(0, 2, size=(INTERESTS, count)), np.arange(count)]
        interest = (pick + rng.integers(-5, 6, size=(INTERESTS, count))) % sizes
        verbose = rng.beta(0.6, 1.0, count)
        return cls(language, interest.T, entities(count, rng), verbose, quotes or {}, quoted)

    def compose(self, batch: Batch) -> Text:
        """Ask on the first turn of a session and follow up on later ones."""
        count = len(batch)
        prompts, answers = [], []
        for number in np.unique(self.language[batch.account]):
            rows = np.flatnonzero(self.language[batch.account] == number)
            prompts.append((rows, self._ask(batch.take(rows), int(number))))
            kept = rows[batch.logged[rows]]
            answers.append((kept, self._answer(batch.take(kept), int(number))))
        system = (
            nothing(count) if self.system is None else self.system.take(pa.array(batch.account))
        )
        said = scatter(answers, count)
        return Text(_quoting_back(scatter(prompts, count), said, batch), system, said)

    def _given(self, batch: Batch, number: int) -> dict[str, pa.Array]:
        known = topics(grammar(LANGUAGES[number]))
        topic = self.interest[batch.account, batch.session % INTERESTS]
        other = self.interest[batch.account, (batch.session + batch.turn) % INTERESTS]
        return {
            "topic": known.take(pa.array(topic)),
            "other": known.take(pa.array(other)),
            "own": self.own.take(pa.array(batch.account)),
        }

    def _ask(self, batch: Batch, number: int) -> pa.Array:
        words, rng = grammar(LANGUAGES[number]), batch.rng
        given = self._given(batch, number)
        first = batch.turn == 1
        quote = first & (rng.random(len(batch)) < self.quoted) & (number in self.quotes)
        parts = []
        for rule, mask in (("ask", first & ~quote), ("follow", ~first)):
            rows = np.flatnonzero(mask)
            taken = {name: column.take(pa.array(rows)) for name, column in given.items()}
            parts.append((rows, words.expand(rule, len(rows), rng, taken)))
        rows = np.flatnonzero(quote)
        if len(rows):
            parts.append((rows, self._quote(batch.take(rows), number, words)))
        text = pc.utf8_trim_whitespace(scatter(parts, len(batch)))
        pastes = np.flatnonzero(rng.random(len(batch)) < self.verbose[batch.account])
        pasted = self._paste(batch.take(pastes), number)
        longer = join(text.take(pa.array(pastes)), "\n\n", pasted)
        rest = np.setdiff1d(np.arange(len(batch)), pastes)
        return scatter([(pastes, longer), (rest, text.take(pa.array(rest)))], len(batch))

    def _paste(self, batch: Batch, number: int) -> pa.Array:
        """Notes, drafts and other text of the account's own that it asks about: heavy-tailed."""
        count, rng = len(batch), batch.rng
        lengths = np.minimum(1 + (rng.pareto(1.05, count) * 3).astype(np.int64), 40)
        given = rows_of(self._given(batch, number), np.repeat(np.arange(count), lengths))
        rule = grammar(LANGUAGES[number])
        return lines(rule.expand("note", int(lengths.sum()), rng, given), lengths, " ")

    def _quote(self, batch: Batch, number: int, words: Grammar) -> pa.Array:
        """A real prompt near the account's own ones, with a personal opening or addition."""
        pool = self.quotes[number]
        own = (batch.account * 7919 + self.interest[batch.account, 0] * 31) % len(pool)
        text = pool.take(pa.array((own + batch.rng.integers(0, 40, len(batch)) ** 2) % len(pool)))
        given = self._given(batch, number)
        count = len(batch)
        return join(
            words.expand("open", count, batch.rng, given),
            " ",
            text,
            " ",
            words.expand("addition", count, batch.rng, given),
        )

    def _answer(self, batch: Batch, number: int) -> pa.Array:
        return speak(batch.rng, len(batch), number, self._given(batch, number))


def _quoting_back(prompts: pa.Array, said: pa.Array, batch: Batch) -> pa.Array:
    """Paste the previous answer of the session into some follow-ups, as people do."""
    same = np.diff(batch.session, prepend=-1) == 0
    known = np.roll(batch.logged, 1) & (batch.turn > 1) & same
    rows = np.flatnonzero(known & (batch.rng.random(len(batch)) < 0.2))
    quoted = join(prompts.take(pa.array(rows)), "\n\n", said.take(pa.array(rows - 1)))
    rest = np.setdiff1d(np.arange(len(batch)), rows)
    return scatter([(rows, quoted), (rest, prompts.take(pa.array(rest)))], len(batch))


def speak(
    rng: np.random.Generator, count: int, number: int, given: dict[str, pa.Array]
) -> pa.Array:
    """Answers of two to ten sentences in one language about the given topic."""
    lengths = 2 + np.minimum(rng.geometric(0.3, count) - 1, 8)
    rows = pa.array(np.repeat(np.arange(count), lengths))
    spread = {name: column.take(rows) for name, column in given.items()}
    said = grammar(LANGUAGES[number]).expand("say", int(lengths.sum()), rng, spread)
    return lines(said, lengths, " ")


@dataclass
class Phrases:
    """Accounts that send sentences of one rule: pings, quick starts, agent steps, a viral text."""

    rule: str
    chat: Chat  # whose topics and names fill the slots
    system: pa.Array | None = None  # per account
    reply: str = "say"  # rule of answers: "say" speaks at length, another is one sentence

    def compose(self, batch: Batch) -> Text:
        """Expand the rule once per event, in English."""
        count = len(batch)
        index = pa.array(batch.account)
        interest = self.chat.interest[batch.account, batch.session % INTERESTS]
        all_topics = topics(grammar("en"))
        given = {
            "topic": all_topics.take(pa.array(interest % len(all_topics))),
            "own": self.chat.own.take(index),
        }
        prompt = grammar("en").expand(self.rule, count, batch.rng, given)
        kept = np.flatnonzero(batch.logged)
        if self.reply == "say":
            said = speak(batch.rng, len(kept), 0, rows_of(given, kept))
        else:
            said = grammar("en").expand(self.reply, len(kept), batch.rng, rows_of(given, kept))
        system = nothing(count) if self.system is None else self.system.take(index)
        return Text(prompt, system, scatter([(kept, said)], count))
