"""Small builders that every reader test uses."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.events.identity import Identity
from stillwatch.events.readers import LogReader, Rejects, open_log

TEXTS = (
    "Explain step by step why the sky is blue.",
    "请逐步解释注意力机制，并给出推理过程。",
    "再帰関数を段階的に説明してください。",
    "اشرح لي خطوة بخطوة كيف يعمل التعلم العميق.",
)

ROW: dict[str, Any] = {
    "event_id": "e1",
    "time": "2026-05-01T10:00:00Z",
    "account_id": "acct-1",
    "model": "m-1",
    "prompt": TEXTS[0],
}


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    """Write rows as JSON lines; a bytes row is written as it stands."""
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in rows]
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(
    *sources: Path | str, identity: Identity | None = None, **options: Any
) -> tuple[pa.Table, Rejects, LogReader]:
    """Read a log to its end."""
    rejects = Rejects()
    reader = open_log(sources, rejects=rejects, identity=identity, **options)
    return pa.Table.from_batches(list(reader)), rejects, reader


def rows_of(*sources: Path | str, **options: Any) -> list[dict[str, Any]]:
    """The rows of a log that reads without rejects."""
    table, rejects, _ = read(*sources, **options)
    assert not rejects.total, rejects.first
    return table.to_pylist()


def faults(rejects: Rejects) -> list[tuple[int, str, str]]:
    """Row, column and reason of each reject."""
    return [(r.row, r.column, r.reason) for r in rejects.first]
