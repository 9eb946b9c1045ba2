"""Events to fingerprints: the one place where prompt and completion text is read.

The text is read in place from Arrow buffers by compiled kernels that release the interpreter lock.
"""

import functools
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from stillwatch.events import schema
from stillwatch.events.identifiers import identifier_columns
from stillwatch.events.kernels import measures, sketches, templates, words
from stillwatch.events.kernels.characters import character_table
from stillwatch.events.kernels.phrasebook import compile_lexicon
from stillwatch.events.kernels.phrases import Hits, PhraseTable, find_phrases
from stillwatch.events.kernels.structures import find_structures
from stillwatch.events.kernels.tokens import tokenise
from stillwatch.events.kernels.types import Bytes, Texts, Tokens, U16s, U32s, U64s, Words
from stillwatch.events.key import Key
from stillwatch.events.texts import text_view

ROWS_AT_ONCE: Final = 4096
"""Rows whose tokens are held at once; bounds memory, not results."""


class NetworkLists(Protocol):
    """Networks that the user's lists name."""

    def lookup(self, addresses: pa.StringArray, asns: pa.Int64Array) -> pa.UInt8Array:
        """Return bit 0 for hosting and bit 1 for VPN, one value per client."""
        ...


class _Seeds(NamedTuple):
    """Everything that a key fixes before any text is read."""

    inner: U64s
    phrases: PhraseTable


def fingerprint_batch(
    events: pa.RecordBatch,
    key: Key,
    lists: NetworkLists | None = None,
    columns: Collection[str] = schema.FINGERPRINTS.names,
) -> pa.RecordBatch:
    """Turn events into fingerprints (contracts 1 and 1b), row by row and in order.

    Args:
        events: Any columns of contract 1; those that are missing count as null.
        key: Fingerprints are comparable only under the same key.
        lists: Where given, fills `network_lists`.
        columns: Those that are wanted; they come in the order of the contract.
    """
    made: dict[str, pa.Array] = {
        field.name: events.column(field.name).cast(field.type)
        for field in schema.FINGERPRINTS
        if field.name in schema.EVENTS.names
        and field.name != "system"
        and field.name in events.schema.names
    }
    made |= identifier_columns(events, key)
    if lists is not None:
        client = ("client_address", "asn")
        made["network_lists"] = lists.lookup(
            *(
                events.column(name)
                if name in events.schema.names
                else pa.nulls(events.num_rows, schema.EVENTS.field(name).type)
                for name in client
            )
        )
    parts = [
        _text_columns(events.slice(start, ROWS_AT_ONCE), key, columns)
        for start in range(0, max(events.num_rows, 1), ROWS_AT_ONCE)
    ]
    for name in parts[0]:
        made[name] = pa.concat_arrays([part[name] for part in parts])
    wanted = [field for field in schema.FINGERPRINTS if field.name in columns]
    return pa.RecordBatch.from_arrays(
        [made.get(field.name, pa.nulls(events.num_rows, field.type)) for field in wanted],
        schema=pa.schema(wanted, metadata=schema.FINGERPRINTS.metadata),
    )


def fingerprint_stream(
    batches: Iterable[pa.RecordBatch],
    key: Key,
    lists: NetworkLists | None = None,
    workers: int = 2,
    columns: Collection[str] = schema.FINGERPRINTS.names,
) -> Iterator[pa.RecordBatch]:
    """Fingerprint batches in threads and yield them in order, reading at most `workers` ahead."""
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[Future[pa.RecordBatch]] = deque()
        for batch in batches:
            pending.append(pool.submit(fingerprint_batch, batch, key, lists, columns))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def warm_up(key: Key) -> None:
    """Compile every kernel, or load it from the cache."""
    row: dict[str, list[object]] = {field.name: [None] for field in schema.EVENTS}
    row |= {"event_id": [""], "time": [0], "account_id": [""], "model": [""]}
    row |= {"prompt": ["a"], "completion": ["b"], "client_address": ["::"], "user_agent": ["c"]}
    fingerprint_batch(pa.RecordBatch.from_pydict(row, schema=schema.EVENTS), key)


def kernels_cached() -> bool:
    """Whether compiled kernels are on disk, so that `warm_up` takes no compilation."""
    source = Path(templates.__file__)
    index = Path(str(templates.sign_templates.stats.cache_path)).glob(
        f"{source.stem}.{templates.sign_templates.py_func.__name__}-*.nbi"
    )
    return any(file.stat().st_mtime >= source.stat().st_mtime for file in index)


@functools.lru_cache(maxsize=8)
def _seeds(key: Key) -> _Seeds:
    inner = key.subkey("inner")
    return _Seeds(inner, compile_lexicon(inner[0]))


def _text_columns(events: pa.RecordBatch, key: Key, wanted: Collection[str]) -> dict[str, pa.Array]:
    """Columns made from the prompt, system prompt and completion of one slice."""
    rows = events.num_rows
    columns = _prompt_columns(text_view(events.column("prompt")), key, wanted)
    nulls = {
        "system": schema.FINGERPRINTS.field("system").type,
        "completion_markers": pa.uint32(),
        "completion_passages": pa.list_(pa.uint32(), schema.PASSAGES),
        "completion_words": pa.uint32(),
    }
    columns |= {name: pa.nulls(rows, kind) for name, kind in nulls.items()}
    names = events.schema.names
    if "system" in names and events.column("system").null_count < rows:
        columns["system"] = _system_column(events.column("system"), key)
    if "completion" in names and events.column("completion").null_count < rows:
        columns |= _completion_columns(events.column("completion"), key)
    return columns


def _prompt_columns(texts: Texts, key: Key, wanted: Collection[str]) -> dict[str, pa.Array]:
    rows = len(texts.offsets) - 1
    seeds = _seeds(key)
    tokens, measured = tokenise(texts, character_table(), seeds.inner[0])
    plain = words.words_of(tokens, masked=False)
    masked = words.words_of(tokens, masked=True)
    markers, constraints, hits = _markers(tokens, plain, seeds.phrases)
    hashes = {
        name: np.empty(rows, np.uint64) for name in ("content", "template", "opening", "closing")
    }
    keys = {name: key.subkey(name) for name in hashes}
    words.sign_contents(tokens, keys["content"], hashes["content"])
    templates.sign_templates(
        tokens, Hits(hits, plain.starts), seeds.phrases, keys["template"], hashes["template"]
    )
    words.sign_ends(masked, keys["opening"], keys["closing"], hashes["opening"], hashes["closing"])
    sketch = np.empty((rows, schema.SKETCH), np.uint32)
    sketches.sketch(plain, key.subkey("sketch"), sketch)
    entropy = np.empty(rows, np.float32)
    measures.entropy(plain, entropy)
    columns = {name: pa.array(values) for name, values in hashes.items()}
    if "bands" in wanted:  # by far the dearest
        bands = sketches.bands_of(masked, seeds.inner, key.subkey("bands"), schema.BANDS)
        columns["bands"] = _lists(bands)
    return columns | {
        "sketch": _lists(sketch),
        "passages": _lists(_passages(plain, key)),
        "markers": pa.array(markers),
        "script": pa.array(measured.scripts),
        "characters": pa.array(measured.characters),
        "words": pa.array(_word_counts(plain)),
        "constraints": pa.array(constraints),
        "nesting": pa.array(measured.nesting),
        "entropy": pa.array(entropy),
    }


def _system_column(systems: pa.Array, key: Key) -> pa.Array:
    """Sign each distinct system prompt once."""
    encoded = systems.dictionary_encode()
    tokens, _ = tokenise(text_view(encoded.dictionary), character_table(), _seeds(key).inner[0])
    signed = np.empty(len(encoded.dictionary), np.uint64)
    words.sign_contents(tokens, key.subkey("system"), signed)
    return pa.array(signed).take(encoded.indices)


def _completion_columns(completions: pa.Array, key: Key) -> dict[str, pa.Array]:
    missing = np.asarray(completions.is_null())
    texts = text_view(completions)
    seeds = _seeds(key)
    tokens, _ = tokenise(texts, character_table(), seeds.inner[0])
    plain = words.words_of(tokens, masked=False)
    markers, _, _ = _markers(tokens, plain, seeds.phrases)
    return {
        "completion_markers": pa.array(markers, mask=missing),
        "completion_passages": _lists(_passages(plain, key), missing),
        "completion_words": pa.array(_word_counts(plain), mask=missing),
    }


def _markers(tokens: Tokens, plain: Words, table: PhraseTable) -> tuple[U32s, U16s, Bytes]:
    """Markers and constraints of each text, and the words where request phrases begin."""
    rows = len(plain.starts) - 1
    markers = np.zeros(rows, np.uint32)
    constraints = np.zeros(rows, np.uint16)
    hits = np.empty(int(plain.starts[-1]), np.uint8)
    find_phrases(plain, table, hits, markers, constraints)
    find_structures(tokens, table, markers, constraints)
    return markers, constraints, hits


def _word_counts(plain: Words) -> np.ndarray:
    counts = np.empty(len(plain.starts) - 1, np.uint32)
    measures.count_words(plain, counts)
    return counts


def _passages(plain: Words, key: Key) -> np.ndarray:
    out = np.empty((len(plain.starts) - 1, schema.PASSAGES), np.uint32)
    sketches.passages(plain, key.subkey("passages"), out)
    return out


def _lists(values: np.ndarray, missing: np.ndarray | None = None) -> pa.FixedSizeListArray:
    mask = None if missing is None else pa.array(missing)
    return pa.FixedSizeListArray.from_arrays(
        pa.array(values.reshape(-1)), values.shape[1], mask=mask
    )
