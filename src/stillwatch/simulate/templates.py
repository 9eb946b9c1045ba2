"""Frames: what applications, jobs and operations put around items of work."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.simulate.chat import Chat
from stillwatch.simulate.content import Batch, Content, Text, nothing, rows_of, scatter
from stillwatch.simulate.grammar import LANGUAGES, constant, grammar, join

FORMS: Final = (
    "{passage}",
    "{passage}",
    '{"instruction": "{item}", "output": "{passage}"}',
    "<think>{passage}</think>\n<answer>done</answer>",
    "Analysis: {passage}\nAnswer: see above",
    "Step 1: {passage}",
)
"""How answers are wrapped when a request asks for a training format."""


@dataclass
class Framed:
    """A fixed head and tail around another source: what an application adds to its users' words.

    Heads and tails are [groups x `frames`] columns; an event draws one of its group's frames.
    """

    group: np.ndarray  # per account
    heads: pa.Array
    tails: pa.Array
    frames: int
    inner: Content
    system: pa.Array | None = None  # per group
    users: int = 0  # end users per group that the application names, or 0

    def compose(self, batch: Batch) -> Text:
        """Wrap the inner source's prompts."""
        text = self.inner.compose(batch)
        group = self.group[batch.account]
        frame = pa.array(group * self.frames + batch.rng.integers(0, self.frames, len(batch)))
        prompt = join(self.heads.take(frame), "\n", text.prompt, self.tails.take(frame))
        system = text.system if self.system is None else self.system.take(pa.array(group))
        columns = dict(text.columns)
        if self.users:
            user = group * self.users + (batch.session * 7919 + batch.account) % self.users
            columns["end_user_id"] = pa.array(np.char.add("user-", user.astype(str)))
        return replace(text, prompt=prompt, system=system, columns=columns)


@dataclass
class Pool:
    """A fixed list of work items with the answer that each gets; accounts sweep parts of it."""

    items: pa.Array
    answers: pa.Array
    first: np.ndarray  # per account
    span: np.ndarray
    sweep: bool

    def place(self, batch: Batch) -> np.ndarray:
        """The item of each event: drawn at random, or a run without repeats within the chunk."""
        span, count = self.span[batch.account], len(batch)
        step = batch.rng.integers(0, 2**31, count)
        if self.sweep and count:
            starts = np.flatnonzero(np.diff(batch.account, prepend=-1))
            lengths = np.diff(np.append(starts, count))
            step = np.repeat(step[starts], lengths) + np.arange(count) - np.repeat(starts, lengths)
        place: np.ndarray = (self.first[batch.account] + step % span) % len(self.items)
        return place


@dataclass
class Templates:
    """Groups of accounts that send their own frames around items from a pool or a chat.

    A frame is text with the holes `{item}`, `{passage}`, `{topic}`, `{own}`. With probability
    `paraphrase` an event's frame is composed anew from `rule`. `forms` is how answers are wrapped.
    """

    group: np.ndarray  # per account
    frames: list[list[str]]  # per group
    rule: list[str]  # per group: grammar rule of a fresh frame
    language: np.ndarray  # per group
    source: Pool | Chat
    paraphrase: np.ndarray  # per group
    system: pa.Array | None = None  # per group
    forms: list[str] = field(default_factory=list)  # per group: answer frame with {passage}
    skew: float = 0.0  # 0 uses frames equally, more prefers the first
    follow: str = "follow"  # rule of later turns
    followed: float = 0.0  # probability that a later turn follows up

    def compose(self, batch: Batch) -> Text:
        """Fill the frames of each event's group."""
        count, group = len(batch), self.group[batch.account]
        given, answers = self._columns(batch)
        fresh = batch.rng.random(count) < self.paraphrase[group]
        later = (batch.turn > 1) & (batch.rng.random(count) < self.followed)
        draw = batch.rng.random(count) ** (1.0 + self.skew)
        parts, wrapped = [], []
        for number in np.unique(group):
            mine = group == number
            parts += self._composed(number, mine & fresh & ~later, mine & later, given, batch.rng)
            parts += self._filled(number, np.where(mine & ~fresh & ~later, draw, -1.0), given)
            kept = np.flatnonzero(mine & batch.logged)
            form = self.forms[number] if self.forms else "{passage}"
            said = rows_of(given, kept) | {"passage": answers.take(pa.array(kept))}
            wrapped.append((kept, fill(form, said, len(kept))))
        system = nothing(count) if self.system is None else self.system.take(pa.array(group))
        return Text(scatter(parts, count), system, scatter(wrapped, count))

    def _composed(
        self,
        number: int,
        fresh: np.ndarray,
        later: np.ndarray,
        given: dict[str, pa.Array],
        rng: np.random.Generator,
    ) -> list[tuple[np.ndarray, pa.Array]]:
        """Frames made anew and follow-ups of one group."""
        words, parts = grammar(LANGUAGES[self.language[number]]), []
        for rule, mask in ((self.rule[number], fresh), (self.follow, later)):
            rows = np.flatnonzero(mask)
            if len(rows):
                parts.append((rows, words.expand(rule, len(rows), rng, rows_of(given, rows))))
        return parts

    def _filled(
        self, number: int, draw: np.ndarray, given: dict[str, pa.Array]
    ) -> list[tuple[np.ndarray, pa.Array]]:
        """Fixed frames of one group; `draw` in 0..1 picks the frame, -1 leaves the event out."""
        frames, parts = self.frames[number], []
        which = np.where(draw >= 0, (draw * len(frames)).astype(np.int64), -1)
        for place in np.unique(which[which >= 0]):
            rows = np.flatnonzero(which == place)
            parts.append((rows, fill(frames[place], rows_of(given, rows), len(rows))))
        return parts

    def _columns(self, batch: Batch) -> tuple[dict[str, pa.Array], pa.Array]:
        """Hole columns of each event, and the text of its answer.

        From a pool a passage is the answer that some earlier event got: what was harvested comes
        back to be graded or rewritten. From a chat it is text that the group retrieved.
        """
        count = len(batch)
        if isinstance(self.source, Chat):
            text = self.source.compose(replace(batch, logged=np.ones(count, bool)))
            own = self.source.own.take(pa.array(batch.account))
            retrieved = text.completion.take(pa.array(np.roll(np.arange(count), 1)))
            return {"item": text.prompt, "passage": retrieved, "own": own}, text.completion
        place = self.source.place(batch)
        total = len(self.source.answers)
        captured = self.source.answers.take(pa.array(place))
        quotes = np.array([any("{passage}" in f for f in frames) for frames in self.frames])
        mixed = np.array([any("{passage}" not in f for f in frames) for frames in self.frames])
        group = self.group[batch.account]
        # A verdict on an answer is not that answer: only the first stage returns it.
        second = quotes[group] & (~mixed[group] | (batch.rng.random(count) < 0.5))
        answers = self.source.answers.take(
            pa.array(np.where(second, (place * 7 + 13) % total, place))
        )
        own = pa.repeat(pa.scalar("the project"), count)
        return {
            "item": self.source.items.take(pa.array(place)),
            "passage": captured,
            "own": own,
        }, answers


def fill(frame: str, columns: dict[str, pa.Array], count: int) -> pa.Array:
    """Put columns into the holes of one frame."""
    pieces: list[pa.Array | str] = [frame]
    for hole, column in columns.items():
        mark, grown = "{" + hole + "}", []
        for piece in pieces:
            if not isinstance(piece, str) or mark not in piece:
                grown.append(piece)
                continue
            for place, literal in enumerate(piece.split(mark)):
                grown += [column, literal] if place else [literal]
        pieces = grown
    if all(isinstance(piece, str) for piece in pieces):
        return constant(frame, count)
    return join(*(piece for piece in pieces if not isinstance(piece, str) or piece))
