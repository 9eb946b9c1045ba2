"""Text does not stay: canaries planted in prompts and completions never come out."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import stillwatch
from stillwatch.detect import scan as job
from stillwatch.detect import store

CANARIES = ("xyzzyplugh", "Sensitivplan", "機密計画書")


def planted(table):
    """The log with canaries in every prompt, system prompt and completion."""
    word = pa.scalar(" ".join(("", *CANARIES, "")))
    missing = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    for name in ("prompt", "system", "completion"):
        text = table[name] if name in table.column_names else missing
        told = pc.binary_join_element_wise(pc.fill_null(text, "answer"), word, "")
        place = table.schema.get_field_index(name)
        table = (
            table.append_column(name, told) if place < 0 else table.set_column(place, name, told)
        )
    return table


def holds_text(content: bytes) -> bool:
    encodings = ("utf-8", "utf-16-le", "utf-32-le")
    return any(canary.encode(code) in content for canary in CANARIES for code in encodings)


def columns_hold_text(path: Path) -> bool:
    """Whether any string of a Parquet file, decompressed, holds a canary."""
    table = pq.read_table(path)
    return holds_text(str(table.to_pylist()).encode())


def test_no_text_in_any_file_written_nor_in_the_spool(part, tmp_path, monkeypatch):
    spools: list[Path] = []
    write = job.write_spool

    def watched(batches, folder):
        files, rows = write(batches, folder)
        spools.extend(files)
        for path in files:
            assert not holds_text(path.read_bytes())
            assert not columns_hold_text(path)
        return files, rows

    monkeypatch.setattr(job, "write_spool", watched)
    events = tmp_path / "events.parquet"
    pq.write_table(planted(part.slice(0, 3000)), events)
    assert columns_hold_text(events)
    rejects = job.Rejects(tmp_path / "rejected.jsonl")
    with rejects:
        result = stillwatch.scan(events, rejects=rejects)
    store.write_result(result, tmp_path / "out", tmp_path / "rejected.jsonl")
    assert spools
    assert not any(path.exists() for path in spools)
    written = sorted((tmp_path / "out").iterdir())
    assert len(written) >= 6
    for path in written:
        assert not holds_text(path.read_bytes()), path
        if path.suffix == ".parquet":
            assert not columns_hold_text(path), path
    assert not holds_text(repr(result).encode())
