"""Identifiers and request parameters of events as keyed hashes."""

import re
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.events.kernels.addresses import ADDRESS_BYTES, parse_addresses
from stillwatch.events.kernels.hashing import combine_columns, sign_texts, sign_words
from stillwatch.events.kernels.types import Bytes, U64s
from stillwatch.events.key import Key
from stillwatch.events.texts import text_view

_TEXT_COLUMNS: Final = {
    "user_agent": "client",
    "conversation_id": "conversation",
    "api_key_id": "api_key",
    "end_user_id": "end_user",
}
_NUMBERS: Final = ("max_tokens", "choices", "stream", "logprobs", "tools")
_RATES: Final = ("temperature", "top_p")
_ROUNDING: Final = 1000.0
_NAMES: Final = ("output_type", "reasoning_effort")
_ABSENT: Final = -1
_MOST_RATE: Final = 1e6
_VERSION: Final = re.compile(r"/v?[0-9].*$")
_PRODUCT: Final = re.compile(r"[a-z0-9._/+-]{1,64}")


def identifier_columns(events: pa.RecordBatch, key: Key) -> dict[str, pa.Array]:
    """Columns of contract 1b that identify a client, network or way of asking."""
    names = events.schema.names
    columns = {
        target: _signed(events.column(source), key.subkey(target))
        for source, target in _TEXT_COLUMNS.items()
        if source in names
    }
    if "user_agent" in names:
        columns["client_name"] = _by_value(events.column("user_agent"), client_name)
    if "client_address" in names:
        columns |= _address_columns(events.column("client_address"), key)
    columns["parameters"] = _parameters(events, key)
    return columns


def client_name(user_agent: str) -> str | None:
    """Product of a user agent in lower case, without its version.

    >>> client_name("OpenAI/Python 1.40.0"), client_name("python-requests/2.31")
    ('openai/python', 'python-requests')
    """
    product, *_ = user_agent.lower().split() or [""]
    match = _PRODUCT.match(_VERSION.sub("", product))
    return match[0] if match else None


def _signed(texts: pa.Array, subkey: U64s) -> pa.Array:
    out = np.empty(len(texts), np.uint64)
    sign_texts(*text_view(texts), subkey, out)
    return pa.array(out, mask=np.asarray(texts.is_null()))


def _by_value(texts: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    """Apply a function once per distinct value."""
    encoded = texts.dictionary_encode()
    values = pa.array([function(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return values.take(encoded.indices)


def _address_columns(texts: pa.Array, key: Key) -> dict[str, pa.Array]:
    """Keyed hashes of addresses and of their /24 or /48; null where none can be read."""
    rows = len(texts)
    addresses = np.zeros((rows, ADDRESS_BYTES), np.uint8)
    networks = np.zeros((rows, ADDRESS_BYTES), np.uint8)
    valid = np.empty(rows, np.bool_)
    parse_addresses(*text_view(texts), addresses, networks, valid)
    return {
        "address": pa.array(_sign_blocks(addresses, key.subkey("address")), mask=~valid),
        "network": pa.array(_sign_blocks(networks, key.subkey("network")), mask=~valid),
    }


def _sign_blocks(blocks: Bytes, subkey: U64s) -> U64s:
    offsets = np.arange(len(blocks) + 1, dtype=np.int64) * ADDRESS_BYTES
    data = blocks.reshape(-1)
    data.setflags(write=False)
    out = np.empty(len(blocks), np.uint64)
    sign_texts(data, offsets, subkey, out)
    return out


def _parameters(events: pa.RecordBatch, key: Key) -> pa.Array:
    """Keyed hash of the request parameters; an absent one is a value of its own."""
    matrix = np.full((events.num_rows, len(_RATES + _NUMBERS + _NAMES)), _ABSENT, np.int64)
    for index, name in enumerate(_RATES + _NUMBERS + _NAMES):
        if name not in events.schema.names:
            continue
        column = events.column(name)
        if name in _NAMES:
            values = np.asarray(_signed(column, key.subkey(name)).fill_null(0)).view(np.int64)
            matrix[:, index] = np.where(column.is_null(), _ABSENT, values)
        elif name in _RATES:
            rates = np.nan_to_num(np.asarray(column.fill_null(0.0)), nan=0.0)
            scaled = np.clip(rates, 0.0, _MOST_RATE) * _ROUNDING
            matrix[:, index] = np.where(column.is_null(), _ABSENT, np.round(scaled))
        else:
            if name == "tools":
                column = pc.greater(column, 0)
            matrix[:, index] = np.asarray(column.cast(pa.int64()).fill_null(_ABSENT))
    inner = np.empty(events.num_rows, np.uint64)
    combine_columns(matrix.view(np.uint64), inner)
    out = np.empty(events.num_rows, np.uint64)
    sign_words(inner, key.subkey("parameters"), out)
    return pa.array(out)
