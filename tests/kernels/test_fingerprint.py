"""The batch and stream functions: shape, nulls, slices, order, key and privacy."""

import ipaddress
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stillwatch.errors import ConfigError
from stillwatch.events import schema
from stillwatch.events.fingerprint import fingerprint_batch, fingerprint_stream, kernels_cached
from stillwatch.events.identifiers import client_name
from stillwatch.events.kernels.addresses import parse_addresses
from stillwatch.events.kernels.phrasebook import encode
from stillwatch.events.key import Key

Events = Callable[..., pa.RecordBatch]
Fingerprints = Callable[..., dict[str, list]]

TEXTS = ["", "One two three.", "Üben, 中文 and 日本語", "x" * 5000, "a\0b\rc"] * 3


def test_schema_and_required_columns(events: Events, key: Key) -> None:
    made = fingerprint_batch(events(TEXTS), key)
    assert made.schema.equals(schema.FINGERPRINTS, check_metadata=True)
    made.validate(full=True)
    for field in schema.FINGERPRINTS:
        assert field.nullable or made.column(field.name).null_count == 0


def test_empty_batch(events: Events, key: Key) -> None:
    assert fingerprint_batch(events([]), key).num_rows == 0


def test_only_required_columns(events: Events, key: Key) -> None:
    full = events(TEXTS)
    bare = full.select(list(schema.REQUIRED_EVENT_COLUMNS))
    assert fingerprint_batch(bare, key).equals(fingerprint_batch(full, key))


def test_slices_and_large_strings_change_nothing(events: Events, key: Key) -> None:
    texts = [f"text {i} of Ω and 例え" for i in range(50)]
    completions = [None if i % 3 else f"answer {i}" for i in range(50)]
    whole = events(texts, completion=completions, system=completions, client_address=["::1"] * 50)
    made = fingerprint_batch(whole, key)
    assert fingerprint_batch(whole.slice(7, 30), key).equals(made.slice(7, 30))
    wide = whole.set_column(
        whole.schema.get_field_index("prompt"),
        "prompt",
        whole.column("prompt").cast(pa.large_string()),
    )
    assert fingerprint_batch(wide, key).equals(made)


def test_only_the_columns_wanted_are_made(events, key):
    whole = fingerprint_batch(events(TEXTS), key)
    names = ["template", "event_id", "sketch"]
    some = fingerprint_batch(events(TEXTS), key, columns=names)
    assert some.schema.names == ["event_id", "template", "sketch"]
    assert some.equals(whole.select(some.schema.names))


def test_rows_do_not_depend_on_each_other(events: Events, key: Key) -> None:
    together = fingerprint_batch(events(TEXTS), key)
    for row, text in enumerate(TEXTS[:5]):
        alone = fingerprint_batch(events([text]), key)
        for name in ("content", "template", "bands", "sketch", "passages", "markers", "entropy"):
            assert alone.column(name)[0] == together.column(name)[row]


def test_nulls_stay_null(fingerprints: Fingerprints) -> None:
    made = fingerprints(
        ["a", "b"], completion=["c", None], system=[None, ""], user_agent=["", None]
    )
    assert made["completion_words"] == [1, None]
    assert [value is None for value in made["completion_passages"]] == [False, True]
    assert [value is None for value in made["system"]] == [True, False]
    assert [value is None for value in made["client"]] == [False, True]
    assert made["client_name"] == [None, None]
    assert made["network_lists"] == [None, None]
    assert None not in made["parameters"]


def test_stream_keeps_order_and_looks_little_ahead(events: Events, key: Key) -> None:
    read: list[int] = []

    def batches():
        for i in range(20):
            read.append(i)
            yield events([f"batch {i}"])

    stream = fingerprint_stream(batches(), key, workers=2)
    first = next(stream)
    assert len(read) <= 4
    rest = list(stream)
    expected = [fingerprint_batch(events([f"batch {i}"]), key) for i in range(20)]
    assert [first, *rest] == expected


def test_keys_separate_everything(events: Events) -> None:
    batch = events(["One two three four five six seven"] * 1, user_agent=["x/1"], system=["s"])
    made = [
        fingerprint_batch(batch, key).to_pylist()[0]
        for key in (Key.public(), Key.from_secret(b"a" * 16), Key.from_secret(b"b" * 16))
    ]
    hashed = ("content", "template", "opening", "closing", "bands", "sketch", "client", "system")
    for name in (*hashed, "parameters", "passages"):
        if made[0][name] != [0] * schema.PASSAGES:
            assert made[0][name] != made[1][name] != made[2][name] != made[0][name]
    for name in ("markers", "script", "characters", "words", "entropy"):
        assert made[0][name] == made[1][name]


def test_no_text_survives(events: Events, key: Key) -> None:
    canary = "zebrafinch"
    batch = events(
        [f"tell {canary} me"], system=[canary], completion=[canary], conversation_id=[canary],
        api_key_id=[canary], end_user_id=[canary], client_address=["203.0.113.77"],
    )  # fmt: skip
    made = str(fingerprint_batch(batch, key).to_pylist())
    assert canary not in made
    assert "203.0.113" not in made


def test_parameters_tell_requests_apart(fingerprints: Fingerprints) -> None:
    made = fingerprints(
        ["a"] * 7,
        temperature=[0.7, 0.7000001, 1.0, None, 0.7, float("nan"), 0.7],
        tools=[3, 9, 3, 3, 0, 3, 3],
        reasoning_effort=["low", "low", "low", "low", "low", "low", "high"],
    )["parameters"]
    assert made[0] == made[1]
    assert len(set(made)) == 6 - (made[3] == made[5])


def test_signing_equals_the_columns(fingerprints: Fingerprints, key: Key) -> None:
    made = fingerprints(["a"], api_key_id=["k-1"], end_user_id=["é"], user_agent=["tool/2"])
    assert made["api_key"] == [key.sign("k-1", "api_key")]
    assert made["end_user"] == [key.sign("é", "end_user")]
    assert made["client"] == [key.sign("tool/2", "client")]


def test_key_is_not_shown_and_short_secrets_are_refused() -> None:
    secret = Key.from_secret(b"0123456789abcdef")
    assert secret.master.hex() not in repr(secret) + secret.id
    assert len(secret.id) == 16
    assert secret == Key.from_secret(b"0123456789abcdef") != Key.public()
    with pytest.raises(ConfigError, match="at least 16"):
        Key.from_secret(b"short")


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("openai-python/1.2.3", "openai-python"),
        ("OpenAI/Python 1.40.0", "openai/python"),
        ("Mozilla/5.0 (X11)", "mozilla"),
        ("curl/v8.1 extra", "curl"),
        ("名前/1", None),
        ("", None),
    ],
)
def test_client_names(user_agent: str, name: str | None) -> None:
    assert client_name(user_agent) == name


ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda address: address.exploded),
    st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"),
    st.text("0123456789abcdefF:.", max_size=40),
    st.lists(st.sampled_from(["::", ":", "0", "f00", "1.2.3.4", ".", "00001", "%1"])).map("".join),
)


@given(ADDRESSES)
@example("1.2.3")
@example("01.2.3.4")
@example("256.1.1.1")
@example("1:2:3:4:5:6:7::")
@example("::2:3:4:5:6:7:8")
@example("1:2:3:4:5:6:7:8:")
@settings(max_examples=500, deadline=None)
def test_addresses_parse_as_the_standard_library_does(text: str) -> None:
    addresses, networks = np.zeros((1, 16), np.uint8), np.zeros((1, 16), np.uint8)
    valid = np.empty(1, np.bool_)
    parse_addresses(*encode([text]), addresses, networks, valid)
    try:
        parsed = ipaddress.ip_address(text)
        assert "%" not in text
    except (ValueError, AssertionError):
        assert not valid[0]
        return
    if parsed.version == 4:
        parsed = ipaddress.IPv6Address(f"::ffff:{parsed}")
    prefix = 120 if parsed.ipv4_mapped else 48
    network = ipaddress.ip_network((parsed, prefix), strict=False).network_address
    assert valid[0]
    assert addresses[0].tobytes() == parsed.packed
    assert networks[0].tobytes() == network.packed


def test_addresses_and_networks(fingerprints: Fingerprints) -> None:
    made = fingerprints(
        ["a"] * 5,
        client_address=["192.0.2.1", "192.0.2.200", "::ffff:192.0.2.1", "192.0.3.1", "not one"],
    )
    assert made["address"][0] == made["address"][2] != made["address"][1]
    assert made["network"][0] == made["network"][1] == made["network"][2] != made["network"][3]
    assert made["address"][4] is None
    assert made["network"][4] is None


def test_network_lists(events: Events, key: Key) -> None:
    class Everything:
        def lookup(self, addresses: pa.StringArray, asns: pa.Int64Array) -> pa.UInt8Array:
            assert len(addresses) == len(asns)
            return pa.array([3] * len(addresses), pa.uint8())

    made = fingerprint_batch(events(["a"], client_address=["::1"]), key, Everything())
    assert made.column("network_lists").to_pylist() == [3]


def test_compiled_kernels_are_noticed(events: Events, key: Key) -> None:
    fingerprint_batch(events(["a"]), key)
    assert kernels_cached()
