"""The Arrow contracts: events (1), fingerprints (1b) and accounts (2).

Column names follow the OpenTelemetry GenAI conventions where one exists. A column that a log lacks
is present and null after reading, so that everything downstream sees one shape.
"""

from typing import Final

import pyarrow as pa

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

EVENTS: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("time", TIMESTAMP, nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        ("operation", pa.string()),
        pa.field("model", pa.string(), nullable=False),
        ("conversation_id", pa.string()),
        ("system", pa.string()),
        pa.field("prompt", pa.string(), nullable=False),
        ("turn", pa.int32()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("reasoning_tokens", pa.int64()),
        ("temperature", pa.float64()),
        ("top_p", pa.float64()),
        ("max_tokens", pa.int64()),
        ("choices", pa.int32()),
        ("stream", pa.bool_()),
        ("logprobs", pa.bool_()),
        ("output_type", pa.string()),
        ("tools", pa.int32()),
        ("finish_reason", pa.string()),
        ("status", pa.int32()),
        ("client_address", pa.string()),
        ("asn", pa.int64()),
        ("country", pa.string()),
        ("user_agent", pa.string()),
        ("tls_fingerprint", pa.string()),
        ("api_key_id", pa.string()),
        ("end_user_id", pa.string()),
        ("reasoning_effort", pa.string()),
        ("completion", pa.string()),
    ]
)
"""Contract 1: one API request with what is known of its response."""

REQUIRED_EVENT_COLUMNS: Final = ("event_id", "time", "account_id", "model", "prompt")

ACCOUNTS: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        ("org_id", pa.string()),
        ("created_at", TIMESTAMP),
        ("plan", pa.string()),
        ("country", pa.string()),
        ("email_domain", pa.string()),
        ("payment_hash", pa.string()),
        ("device_hash", pa.string()),
        ("signup_address", pa.string()),
        ("signup_asn", pa.int64()),
        ("org_name", pa.string()),
        ("verified", pa.bool_()),
    ]
)
"""Contract 2: what is known of an account at sign-up."""

SCREENED_ACCOUNTS: Final = pa.schema(
    [*ACCOUNTS, ("org_domain", pa.string()), ("org_address", pa.string())]
)
"""The same with what only screening looks at; a scan never reads these two."""

FINGERPRINT_VERSION: Final = 1

KEY_ID: Final = b"stillwatch.key_id"
"""Metadata of a fingerprint file: the public name of the key that made it, `Key.id`."""
WRITTEN_BY: Final = b"stillwatch.written_by"
"""Metadata of a file that a command wrote and may therefore replace: the command's name."""

BANDS: Final = 8
"""MinHash bands per prompt."""
SKETCH: Final = 16
"""Slots of the bottom-k sketch of word one- and two-grams per prompt; 0 pads."""
PASSAGES: Final = 8
"""Slots of the sampled six-word passages of a prompt and of a completion; 0 pads."""

FINGERPRINTS: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("time", TIMESTAMP, nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        ("operation", pa.string()),
        ("turn", pa.int32()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("reasoning_tokens", pa.int64()),
        ("temperature", pa.float64()),
        ("top_p", pa.float64()),
        ("max_tokens", pa.int64()),
        ("choices", pa.int32()),
        ("stream", pa.bool_()),
        ("logprobs", pa.bool_()),
        ("output_type", pa.string()),
        ("tools", pa.int32()),
        ("finish_reason", pa.string()),
        ("status", pa.int32()),
        ("asn", pa.int64()),
        ("country", pa.string()),
        ("reasoning_effort", pa.string()),
        ("tls_fingerprint", pa.string()),
        # the product token of the user agent without its version, readable: "openai-python"
        ("client_name", pa.string()),
        # keyed 64-bit hashes; null where the event has no such field
        ("client", pa.uint64()),  # whole user agent
        ("address", pa.uint64()),  # client address
        ("network", pa.uint64()),  # its /24 (IPv4) or /48 (IPv6)
        ("conversation", pa.uint64()),
        ("api_key", pa.uint64()),
        ("end_user", pa.uint64()),
        ("system", pa.uint64()),  # system prompt
        ("parameters", pa.uint64()),  # tuple of request parameters, never null
        # which user-built lists the address is on (bit 0 hosting, bit 1 VPN); null: no list given
        ("network_lists", pa.uint8()),
        # prompt, keyed 64-bit hashes
        pa.field("content", pa.uint64(), nullable=False),  # the whole normalised prompt
        pa.field("template", pa.uint64(), nullable=False),  # masked skeleton
        pa.field("opening", pa.uint64(), nullable=False),  # first words, masked
        pa.field("closing", pa.uint64(), nullable=False),  # last words, masked
        pa.field("bands", pa.list_(pa.uint64(), BANDS), nullable=False),
        pa.field("sketch", pa.list_(pa.uint32(), SKETCH), nullable=False),
        pa.field("passages", pa.list_(pa.uint32(), PASSAGES), nullable=False),
        # prompt, measures
        pa.field("markers", pa.uint32(), nullable=False),  # bits of events.markers.Marker
        pa.field("script", pa.uint8(), nullable=False),  # events.scripts.Script of most letters
        pa.field("characters", pa.uint32(), nullable=False),
        pa.field("words", pa.uint32(), nullable=False),
        pa.field("constraints", pa.uint16(), nullable=False),
        pa.field("nesting", pa.uint8(), nullable=False),
        pa.field("entropy", pa.float32(), nullable=False),  # bits per word, within the prompt
        # completion; null where the log has none
        ("completion_markers", pa.uint32()),
        ("completion_passages", pa.list_(pa.uint32(), PASSAGES)),
        ("completion_words", pa.uint32()),
    ],
    metadata={b"stillwatch.fingerprint_version": str(FINGERPRINT_VERSION).encode()},
)
"""Contract 1b: what is left of an event when the text is gone (docs/fingerprints.md)."""
