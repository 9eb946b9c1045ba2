"""A Redis stream, read as one consumer of a group.

An entry holds one field `event` with a JSON object, or the columns of an event as fields. Entries
are acknowledged after they are committed. After a crash the entries that were delivered and not
acknowledged come again, and those up to the committed position are passed over.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
import redis
from redis.exceptions import RedisError, ResponseError

from stillwatch.detect.watch.sources.base import ROWS, Collected, Stop, Taken, pieces, read_lines
from stillwatch.errors import ConfigError, PeerError
from stillwatch.events.coerce import Reason
from stillwatch.events.identity import Identity
from stillwatch.events.readers.aliases import resolve

_BLINK: Final = 0.5
"""Seconds that the server is asked to wait at a time."""
_TIMEOUT: Final = 10.0
_CONSUMER: Final = "stillwatch"

Id = tuple[int, int]


class RedisStream:
    """Entries of a stream that a group delivers.

    Args:
        url: `redis://HOST:PORT/DB?stream=NAME&group=NAME`; also `rediss://` and `unix://`.
        identity: Derives accounts from API keys.
        stop: Whether to give up waiting.

    Raises:
        ConfigError: The address cannot be used, or names no stream or group.
    """

    def __init__(self, url: str, *, identity: Identity | None, stop: Stop) -> None:
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            self._stream, self._group = query.pop("stream"), query.pop("group")
        except KeyError as error:
            raise ConfigError(
                f"the address names no {error.args[0]}: give redis://HOST:PORT/DB?stream=NAME&"
                "group=NAME"
            ) from error
        rest = "&".join(f"{name}={value}" for name, value in query.items())
        # A password in the address stays out of the state and of messages.
        place = parts.netloc.rpartition("@")[2] or parts.path
        database = parts.path if parts.netloc else ""
        self.name = f"{parts.scheme}://{place}{database}?stream={self._stream}&group={self._group}"
        self._place = place
        self._client = _client("?".join(filter(None, [url.partition("?")[0], rest])))
        self._identity = identity
        self._stop = stop
        self._last: Id = (0, 0)
        self._row = 1
        self._owed: str | None = "0"
        self._given: list[str] = []

    def open(self, positions: Mapping[str, str]) -> None:
        """Go on after the committed entry, with what was delivered and not acknowledged first."""
        found = positions.get(self._stream)
        if found is not None:
            last, self._row = msgspec.json.decode(found, type=tuple[str, int])
            self._last = _id(last)

    def take(self, wait: float) -> Taken | None:
        """Return the entries that come within `wait` seconds.

        Raises:
            PeerError: The server does not answer, or there is no such stream.
        """
        try:
            entries = self._entries(time.monotonic() + wait)
        except PeerError:
            self._owed = "0"  # what was delivered and lost on the way comes again
            raise
        self._given = [key for key, _ in entries]
        new = [(key, fields) for key, fields in entries if _id(key) > self._last]
        if not new:
            self._acknowledge()
            return None
        collected = Collected(self._identity)
        lines = [line for key, fields in new if (line := self._line(key, fields, collected))]
        for data in pieces(lines):
            self._row = read_lines(
                self._stream, data, data, self._row, collected, log_format="jsonl"
            )
        position = msgspec.json.encode((new[-1][0], self._row)).decode()
        return collected.taken({self._stream: position})

    def settle(self, taken: Taken) -> None:
        """Acknowledge what is committed; where the server is away, it is done after it is back."""
        last, _ = msgspec.json.decode(taken.positions[self._stream], type=tuple[str, int])
        self._last = _id(last)
        try:
            self._acknowledge()
        except PeerError:
            self._owed = "0"

    def _acknowledge(self) -> None:
        given, self._given = self._given, []
        if given:
            with _answering(self._place):
                self._client.xack(self._stream, self._group, *given)

    def _entries(self, until: float) -> list[tuple[str, dict[bytes, bytes] | None]]:
        """Read entries: those that are owed to us from before a crash first."""
        found: list[tuple[str, dict[bytes, bytes] | None]] = []
        while len(found) < ROWS:
            left = until - time.monotonic()
            block = int(1000 * min(left, _BLINK)) if left > 0 and not self._owed else 0
            entries = self._read(self._owed or ">", ROWS - len(found), block or None)
            found += entries
            if self._owed:
                self._owed = entries[-1][0] if entries else None
            elif left <= 0 or self._stop():
                break
        return found

    def _read(
        self, after: str, count: int, block: int | None
    ) -> list[tuple[str, dict[bytes, bytes] | None]]:
        with _answering(self._place):
            try:
                answer: Any = self._client.xreadgroup(
                    self._group, _CONSUMER, {self._stream: after}, count=count, block=block
                )
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                begin = f"{self._last[0]}-{self._last[1]}"
                self._client.xgroup_create(self._stream, self._group, begin, mkstream=True)
                return []
        return [(key.decode(), fields) for _, rows in answer or [] for key, fields in rows]

    def _line(self, key: str, fields: Mapping[bytes, bytes] | None, to: Collected) -> bytes | None:
        """Return an entry as one JSON object with an event id; None for what is none."""
        if not fields:  # deleted from the stream since it was delivered
            return None
        try:
            event = (
                msgspec.json.decode(fields[b"event"], type=dict[str, Any])
                if b"event" in fields
                else {name.decode(): value.decode() for name, value in fields.items()}
            )
        except (msgspec.DecodeError, UnicodeDecodeError):
            to.reject(f"{self._stream} {key}", 1, "", Reason.JSON)
            return None
        if "event_id" not in resolve(event.keys()):
            event["event_id"] = f"{self._stream}#{key}"
        return msgspec.json.encode(event)

    ended = False

    @property
    def behind(self) -> str:
        """How many entries the group has not delivered yet."""
        try:
            with _answering(self._place):
                groups: Any = self._client.xinfo_groups(self._stream)
        except PeerError:
            return ""
        lag = next((g.get("lag") for g in groups if g["name"] == self._group.encode()), None)
        return f"{lag:,} entries wait" if lag else ""

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _id(key: str) -> Id:
    first, _, second = key.partition("-")
    return int(first), int(second or 0)


def _client(url: str) -> redis.Redis:
    try:
        return redis.Redis.from_url(
            url, protocol=2, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
        )
    except ValueError as error:
        raise ConfigError(f"the address of Redis cannot be used: {error}") from error


@contextmanager
def _answering(place: str) -> Iterator[None]:
    """Turn what the client says of a server that fails into one sentence.

    Raises:
        PeerError: The server does not answer, or answers that it cannot.
    """
    try:
        yield
    except RedisError as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PeerError(
            f"Redis at {place} does not answer ({said}): check that it runs, and the address"
        ) from error
