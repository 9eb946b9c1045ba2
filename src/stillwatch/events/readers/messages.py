"""Prompt, system prompt and turn out of the message lists of the vendors' APIs.

One function reads them all: OpenAI chat (`content` a string or parts), OpenAI responses (`input`
items), Anthropic (content blocks), OpenTelemetry (`parts` with `content`), Gemini (`parts` with
`text`), and plain strings.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

_TEXT_KEYS = ("text", "content", "input_text", "output_text", "value")
_SYSTEM = ("system", "developer")


class Conversation(NamedTuple):
    """What a request's messages say; null where there is no such message."""

    prompt: str | None
    """The last user message."""
    system: str | None
    """The system and developer messages, joined by a blank line."""
    turn: int | None
    """How many user messages there are."""


def parse(value: Any) -> Any:
    """A value that may be JSON written as text, as its structure; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("[", "{", '"'):
        try:
            return msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return value
    return value


def content_text(content: Any) -> str | None:
    r"""The text of a message's content, its parts joined by line breaks; images have none.

    >>> content_text([{"type": "text", "text": "a"}, {"type": "image_url"}, {"text": "b"}])
    'a\nb'
    """
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, dict):
        for key in _TEXT_KEYS:
            if isinstance(content.get(key), str):
                return str(content[key])
        parts = content.get("parts", content.get("content"))
        return content_text(parts) if isinstance(parts, list | dict) else ""
    if isinstance(content, list):
        texts = [content_text(part) for part in content]
        return "\n".join(text for text in texts if text)
    return str(content)


def role_of(message: dict[str, Any]) -> str:
    """The role of a message, `user` where it says none."""
    role = message.get("role") or message.get("type")
    return str(role).lower() if role in _ROLES else "user"


_ROLES = ("system", "developer", "user", "human", "assistant", "ai", "model", "tool", "function",
          "function_call", "function_call_output", "reasoning", "item_reference")  # fmt: skip


def text_of(message: dict[str, Any]) -> str:
    """The text of one message, under whichever key it stands."""
    for key in ("content", "parts"):
        if message.get(key) is not None:
            return content_text(message[key]) or ""
    return content_text(message) or ""


def read_messages(value: Any, *, system: Any = None) -> Conversation:
    """Read a message list, one message, a plain prompt, or JSON text of any of them.

    Args:
        value: what the request carries.
        system: a system prompt given beside the messages (Anthropic, responses, Gemini).

    >>> read_messages([{"role": "user", "content": "Hi"}], system="Be brief.")
    Conversation(prompt='Hi', system='Be brief.', turn=1)
    """
    value = parse(value)
    apart = content_text(parse(system))
    systems = [apart] if apart else []
    if isinstance(value, str):
        return Conversation(value, apart or None, 1)
    users: list[str] = []
    for item in _messages(value):
        if isinstance(item, str):
            users.append(item)
        elif isinstance(item, dict):
            role = role_of(item)
            if role in _SYSTEM:
                systems.append(text_of(item))
            elif role in ("user", "human"):
                users.append(text_of(item))
    return Conversation(
        users[-1] if users else None,
        "\n\n".join(text for text in systems if text) or None,
        len(users) or None,
    )


def _messages(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        for key in ("messages", "contents", "input", "prompt"):
            if key in value:
                inner = parse(value[key])
                return inner if isinstance(inner, list) else [inner]
        return [value]
    return value if isinstance(value, list) else []


def read_completion(value: Any) -> str | None:
    """The text of an answer: a response object of any vendor, a message list, or plain text.

    >>> read_completion({"choices": [{"message": {"role": "assistant", "content": "Hello"}}]})
    'Hello'
    """
    value = parse(value)
    if isinstance(value, list):
        texts = [read_completion(item) for item in value]
        return "\n".join(text for text in texts if text) or None
    if isinstance(value, dict):
        for key in ("choices", "candidates", "output", "message", "delta", "messages"):
            if value.get(key):
                return read_completion(value[key])
        return text_of(value) or None
    return content_text(value)
