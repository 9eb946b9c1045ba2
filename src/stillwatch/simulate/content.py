"""What events say: prompts, system prompts and answers, composed for a whole batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.simulate.grammar import LANGUAGES, Grammar, constant, grammar, join, lines

INTERESTS = 6
"""Personal topics of one account."""


@dataclass(frozen=True)
class Batch:
    """Events to be written, one row each, in the order of their accounts."""

    rng: np.random.Generator
    account: np.ndarray  # place of the account in its crowd
    session: np.ndarray  # number unique within the chunk
    turn: np.ndarray  # 1 is the first request of the session
    time: np.ndarray  # days from the start of the window
    logged: np.ndarray  # bool: the log keeps the completion

    def __len__(self) -> int:
        return len(self.account)

    def take(self, rows: np.ndarray) -> Self:
        """The events at `rows`."""
        parts = {n: getattr(self, n)[rows] for n in ("account", "session", "turn", "time", "logged")}
        return replace(self, **parts)


@dataclass(frozen=True)
class Text:
    """What a content source wrote for a batch; `columns` override event columns by name."""

    prompt: pa.Array
    system: pa.Array
    completion: pa.Array
    columns: dict[str, pa.Array] = field(default_factory=dict)


class Content(Protocol):
    """A source of text for the accounts of one crowd."""

    def compose(self, batch: Batch) -> Text:
        """Write every event of the batch."""
        ...


def scatter(parts: Sequence[tuple[np.ndarray, pa.Array]], count: int, kind: pa.DataType | None = None) -> pa.Array:
    """Put columns back at their rows; rows that no part covers are null."""
    place = np.full(count, -1, np.int64)
    base = 0
    for rows, values in parts:
        place[rows] = base + np.arange(len(rows))
        base += len(values)
    pieces = [values for _, values in parts]
    if not pieces:
        return pa.nulls(count, kind or pa.string())
    return pa.concat_arrays(pieces).take(pa.array(place, mask=place < 0))


def nothing(count: int) -> pa.Array:
    """A column of null strings."""
    return pa.nulls(count, pa.string())


def entities(count: int, rng: np.random.Generator) -> pa.Array:
    """Invented proper names, almost all distinct."""
    heads = pa.array("Al Ba Cor Dun El Fa Gri Hol Is Jo Ka Lu Mar Nor Os Pel Qui Ro Sel Tam Ul Ve Wes Xan Yar Zo".split())
    cores = pa.array("ba dra fen gor la mi no pra ri sta ter vo wi ".split(" "))
    tails = pa.array("bank burg corp den field ford ia ics lab land ly mont nova on polis ra soft ton via works".split())
    parts = [
        source.take(pa.array(rng.integers(0, len(source), count))) for source in (heads, cores, cores, tails)
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
        return cls(language, interest.T, entities(count, rng), quotes or {}, quoted)

    def compose(self, batch: Batch) -> Text:
        """Ask on the first turn of a session and follow up on later ones."""
        count = len(batch)
        prompts, answers = [], []
        for number in np.unique(self.language[batch.account]):
            rows = np.flatnonzero(self.language[batch.account] == number)
            prompts.append((rows, self._ask(batch.take(rows), int(number))))
            kept = rows[batch.logged[rows]]
            answers.append((kept, self._answer(batch.take(kept), int(number))))
        system = nothing(count) if self.system is None else self.system.take(pa.array(batch.account))
        return Text(scatter(prompts, count), system, scatter(answers, count))

    def _given(self, batch: Batch, number: int) -> dict[str, pa.Array]:
        topic = self.interest[batch.account, batch.session % INTERESTS]
        return {
            "topic": topics(grammar(LANGUAGES[number])).take(pa.array(topic)),
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
        return pc.utf8_trim_whitespace(scatter(parts, len(batch)))

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


def speak(rng: np.random.Generator, count: int, number: int, given: dict[str, pa.Array]) -> pa.Array:
    """Answers of two to ten sentences in one language about the given topic."""
    lengths = 2 + np.minimum(rng.geometric(0.3, count) - 1, 8)
    rows = pa.array(np.repeat(np.arange(count), lengths))
    spread = {name: column.take(rows) for name, column in given.items()}
    said = grammar(LANGUAGES[number]).expand("say", int(lengths.sum()), rng, spread)
    return lines(said, lengths, " ")


@dataclass
class Phrases:
    """Accounts that send sentences of one rule: pings, quick starts, agent steps, a viral prompt."""

    rule: str
    chat: Chat  # whose topics and names fill the slots
    system: pa.Array | None = None  # per account

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
        said = speak(batch.rng, len(kept), 0, _at(given, kept))
        system = nothing(count) if self.system is None else self.system.take(index)
        return Text(prompt, system, scatter([(kept, said)], count))


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

    def compose(self, batch: Batch) -> Text:
        """Wrap the inner source's prompts."""
        text = self.inner.compose(batch)
        group = self.group[batch.account]
        frame = pa.array(group * self.frames + batch.rng.integers(0, self.frames, len(batch)))
        prompt = join(self.heads.take(frame), text.prompt, self.tails.take(frame))
        system = text.system if self.system is None else self.system.take(pa.array(group))
        return replace(text, prompt=prompt, system=system)


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
        return (self.first[batch.account] + step % span) % len(self.items)


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
            words = grammar(LANGUAGES[self.language[number]])
            for rule, mask in ((self.rule[number], mine & fresh & ~later), (self.follow, mine & later)):
                rows = np.flatnonzero(mask)
                if len(rows):
                    parts.append((rows, words.expand(rule, len(rows), batch.rng, _at(given, rows))))
            frames = self.frames[number]
            which = np.where(mine & ~fresh & ~later, (draw * len(frames)).astype(np.int64), -1)
            for place in np.unique(which[which >= 0]):
                rows = np.flatnonzero(which == place)
                parts.append((rows, fill(frames[place], _at(given, rows), len(rows))))
            kept = np.flatnonzero(mine & batch.logged)
            form = self.forms[number] if self.forms else "{passage}"
            wrapped.append((kept, fill(form, {**_at(given, kept), "passage": answers.take(pa.array(kept))}, len(kept))))
        system = nothing(count) if self.system is None else self.system.take(pa.array(group))
        return Text(scatter(parts, count), system, scatter(wrapped, count))

    def _columns(self, batch: Batch) -> tuple[dict[str, pa.Array], pa.Array]:
        """Hole columns of each event, and the text of its answer."""
        own = pa.array(np.char.add("item ", (batch.account % 97).astype(str)))
        if isinstance(self.source, Chat):
            text = self.source.compose(replace(batch, logged=np.ones(len(batch), bool)))
            own = self.source.own.take(pa.array(batch.account))
            return {"item": text.prompt, "passage": text.completion, "own": own}, text.completion
        place = pa.array(self.source.place(batch))
        answers = self.source.answers.take(place)
        return {"item": self.source.items.take(place), "passage": answers, "own": own}, answers


def _at(columns: dict[str, pa.Array], rows: np.ndarray) -> dict[str, pa.Array]:
    index = pa.array(rows)
    return {name: column.take(index) for name, column in columns.items()}


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


@dataclass
class Switch:
    """One source before a day and another from then on."""

    before: Content
    after: Content
    day: float

    def compose(self, batch: Batch) -> Text:
        """Split the batch by time."""
        count, parts = len(batch), []
        for source, mask in ((self.before, batch.time < self.day), (self.after, batch.time >= self.day)):
            rows = np.flatnonzero(mask)
            parts.append((rows, source.compose(batch.take(rows))))
        return Text(
            *(
                scatter([(rows, getattr(text, name)) for rows, text in parts], count)
                for name in ("prompt", "system", "completion")
            )
        )


@dataclass
class Mixture:
    """Several sources behind the same accounts: each session goes to one of them.

    `share[account, source]` are probabilities per session. `hops` marks sources whose end users
    are spread over the pool: their sessions carry an end user, drawn from a list of that size.
    """

    sources: list[Content]
    share: np.ndarray
    users: list[int]

    def compose(self, batch: Batch) -> Text:
        """Split the batch by session, let each source write, and put the rows back."""
        numbers, back = np.unique(batch.session, return_inverse=True)
        draw = batch.rng.random(len(numbers))[back]
        odds = self.share.cumsum(axis=1)[batch.account]
        which = np.minimum((draw[:, None] >= odds).sum(axis=1), len(self.sources) - 1)
        texts = []
        for place, source in enumerate(self.sources):
            rows = np.flatnonzero(which == place)
            if len(rows):
                part = batch.take(rows)
                texts.append((rows, self._written(source, part, self.users[place])))
        names = sorted({name for _, text in texts for name in text.columns})
        return Text(
            *(
                scatter([(rows, getattr(text, name)) for rows, text in texts], len(batch))
                for name in ("prompt", "system", "completion")
            ),
            {
                name: scatter([(r, t.columns[name]) for r, t in texts if name in t.columns], len(batch))
                for name in names
            },
        )

    def _written(self, source: Content, batch: Batch, users: int) -> Text:
        if not users:
            return source.compose(batch)
        # A relay's customers have interests of their own: the source speaks per end user.
        user = (batch.session * 2_654_435_761 + 97) % users
        order = np.argsort(user, kind="stable")
        text = source.compose(replace(batch.take(order), account=user[order]))
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        rows = pa.array(back)
        return Text(
            text.prompt.take(rows),
            text.system.take(rows),
            text.completion.take(rows),
            {"end_user_id": pa.array(np.char.add("u-", user.astype(str)))},
        )
