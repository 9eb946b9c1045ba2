"""The little of HTTP that the hub needs, on ASGI: requests read within limits, and answers."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""

TAXII: Final = "application/taxii+json;version=2.1"
"""Media type of every answer."""
_LONGEST_QUERY: Final = 16_384
_MOST_FIELDS: Final = 32


class Refused(Exception):  # noqa: N818 - it is an answer
    """An answer that is an error, as a TAXII error message."""

    def __init__(
        self, status: int, title: str, why: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.why = status, title, why
        self.headers = dict(headers or {})

    def answer(self) -> "Answer":
        """Return it as an answer."""
        message = {"title": self.title, "http_status": str(self.status)}
        if self.why:
            message["description"] = self.why
        return Answer(json.dumps(message).encode(), self.status, self.headers)


@dataclass
class Answer:
    """A body of JSON, a status and further headers."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, send: Send, *, bare: bool = False) -> None:
        """Send it; without its body where `bare`, as `HEAD` asks."""
        headers = [
            (b"content-type", TAXII.encode()),
            (b"content-length", str(len(self.body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *((name.encode(), value.encode()) for name, value in self.headers.items()),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if bare else self.body})


class Request:
    """One request."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        client = scope.get("client")
        self.address: str = client[0] if client else ""
        self._query: bytes = scope["query_string"]
        self._receive = receive

    def query(self) -> dict[str, str]:
        """Return the fields of the query.

        Raises:
            Refused: It is too long, not UTF-8, or has a field twice.
        """
        if not self._query:
            return {}
        if len(self._query) > _LONGEST_QUERY:
            raise Refused(414, "the query is too long", "ask for fewer values at once")
        try:
            pairs = parse_qsl(
                self._query.decode("ascii"),
                keep_blank_values=True,
                max_num_fields=_MOST_FIELDS,
                errors="strict",
            )
        except (ValueError, UnicodeDecodeError):
            raise Refused(400, "the query cannot be read") from None
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Refused(400, "a field stands twice in the query", "give its values in one")
        return fields

    async def body(self, most: int) -> bytes:
        """Read the body, up to a number of bytes.

        Raises:
            Refused: It is larger; nothing more of it is read.
        """
        too_large = Refused(413, "the body is too large", f"send at most {most:,} bytes at once",
                            {"connection": "close"})  # fmt: skip
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and (len(announced) > 15 or int(announced) > most):
            raise too_large
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the body ended early")
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise too_large
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


def check_accept(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a request that does not accept TAXII 2.1.

    Raises:
        Refused: None of the media types that it accepts is ours.
    """
    raw = headers.get(b"accept")
    if raw is None or not any(_accepts(one) for one in raw.decode("latin-1").split(",")):
        raise Refused(406, "the answer would be of a media type that is not accepted",
                      f"accept {TAXII}")  # fmt: skip


def _accepts(one: str) -> bool:
    kind, parameters = media_type(one)
    if parameters.pop("q", "1").strip("0.") == "":
        return False
    if kind in {"*/*", "application/*"}:
        return True
    return kind == "application/taxii+json" and parameters.get("version", "2.1") == "2.1"


def check_content(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that is not TAXII 2.1.

    Raises:
        Refused: Its media type is another one.
    """
    kind, parameters = media_type(headers.get(b"content-type", b"").decode("latin-1"))
    wanted = kind == "application/taxii+json" and parameters.get("version", "2.1") == "2.1"
    coded = headers.get(b"content-encoding", b"identity").strip().lower() != b"identity"
    if not wanted or coded:
        raise Refused(415, "the body is of a media type that is not read", f"send {TAXII}")


def media_type(text: str) -> tuple[str, dict[str, str]]:
    """Split a media type into its name and parameters.

    >>> media_type("application/taxii+json; version=2.1")
    ('application/taxii+json', {'version': '2.1'})
    """
    kind, *rest = (part.strip() for part in text.lower().split(";"))
    pairs = (part.partition("=") for part in rest)
    return kind, {name.strip(): value.strip().strip('"') for name, _, value in pairs}
