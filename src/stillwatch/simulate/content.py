"""What events say, as columns: batches, texts, and ways to combine sources."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self

import numpy as np
import pyarrow as pa

from stillwatch.simulate.grammar import hexadecimal

_MIX: Final = 11_400_714_819_323_198_485
"""Odd constant that spreads small numbers over 64 bits."""


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
        parts = {
            n: getattr(self, n)[rows] for n in ("account", "session", "turn", "time", "logged")
        }
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


def scatter(
    parts: Sequence[tuple[np.ndarray, pa.Array]], count: int, kind: pa.DataType | None = None
) -> pa.Array:
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


def together(parts: Sequence[tuple[np.ndarray, "Text"]], count: int) -> "Text":
    """Texts of parts of a batch as the text of the whole; column overrides are left out."""

    def column(name: str) -> pa.Array:
        return scatter([(rows, getattr(text, name)) for rows, text in parts], count)

    return Text(column("prompt"), column("system"), column("completion"))


def nothing(count: int) -> pa.Array:
    """A column of null strings."""
    return pa.nulls(count, pa.string())


def rows_of_text(text: Text, rows: np.ndarray) -> Text:
    """A text at the given rows, without column overrides."""
    index = pa.array(rows)
    return Text(text.prompt.take(index), text.system.take(index), text.completion.take(index))


def rows_of(columns: dict[str, pa.Array], rows: np.ndarray) -> dict[str, pa.Array]:
    """Every column at the given rows."""
    index = pa.array(rows)
    return {name: column.take(index) for name, column in columns.items()}


@dataclass
class Switch:
    """One source before a day and another from then on; the day may differ between accounts."""

    before: Content
    after: Content
    day: float | np.ndarray

    def compose(self, batch: Batch) -> Text:
        """Split the batch by time."""
        count, parts = len(batch), []
        day = self.day if isinstance(self.day, float) else self.day[batch.account]
        for source, mask in (
            (self.before, batch.time < day),
            (self.after, batch.time >= day),
        ):
            rows = np.flatnonzero(mask)
            parts.append((rows, source.compose(batch.take(rows))))
        return together(parts, count)


@dataclass
class Mixture:
    """Several sources behind the same accounts: each session goes to one of them.

    Args:
        sources: What writes.
        share: [accounts, sources] probabilities of a session.
        users: Per source the number of end users whose sessions it relays, or 0. A relayed source
            has one account per end user.
        pool: Per account the pool to which it belongs; end users stay with a pool.
        hops: Whether a conversation of an end user may go on at another account.
    """

    sources: list[Content]
    share: np.ndarray
    users: list[int]
    pool: np.ndarray | None = None
    hops: bool = False

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
        columns = {
            name: scatter(
                [(rows, text.columns[name]) for rows, text in texts if name in text.columns],
                len(batch),
            )
            for name in names
        }
        return replace(together(texts, len(batch)), columns=columns)

    def _written(self, source: Content, batch: Batch, users: int) -> Text:
        if not users:
            return source.compose(batch)
        # A relay's customers have interests of their own: the source speaks per end user.
        pools = 1 if self.pool is None else int(self.pool.max()) + 1
        mine = 0 if self.pool is None else self.pool[batch.account]
        user = ((batch.session * 2_654_435_761 + 97) % (users // pools)) * pools + mine
        order = np.argsort(user, kind="stable")
        text = source.compose(replace(batch.take(order), account=user[order]))
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        columns = {"end_user_id": pa.array(np.char.add("u-", user.astype(str)))}
        if self.hops:
            quarter = np.floor(batch.time * 4).astype(np.uint64)
            talk = (user.astype(np.uint64) << np.uint64(12) | quarter) * np.uint64(_MIX)
            columns["conversation_id"] = hexadecimal(talk, "conv_")
        return replace(
            rows_of_text(text, back),
            columns=columns,
        )
