"""What events say, as columns: batches, texts, and ways to combine sources."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np
import pyarrow as pa


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


def rows_of(columns: dict[str, pa.Array], rows: np.ndarray) -> dict[str, pa.Array]:
    """Every column at the given rows."""
    index = pa.array(rows)
    return {name: column.take(index) for name, column in columns.items()}


@dataclass
class Switch:
    """One source before a day and another from then on."""

    before: Content
    after: Content
    day: float

    def compose(self, batch: Batch) -> Text:
        """Split the batch by time."""
        count, parts = len(batch), []
        for source, mask in (
            (self.before, batch.time < self.day),
            (self.after, batch.time >= self.day),
        ):
            rows = np.flatnonzero(mask)
            parts.append((rows, source.compose(batch.take(rows))))
        return together(parts, count)


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
