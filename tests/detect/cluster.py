"""A real standalone cluster on loopback: one master and two worker processes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKERS = 2
START_SECONDS = 60.0


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its URL, the options that its executors need, and where they write."""

    master: str
    options: dict[str, str]
    scratch: Path


def missing() -> str | None:
    """Why no cluster can be started here, or None."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install -e '.[dev,spark]'"
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        return "Java is not installed: apt-get install openjdk-17-jre-headless"
    return None


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start a master and its workers; end them by their process ids."""
    from pyspark.find_spark_home import _find_spark_home  # noqa: PLC0415 - an extra

    home = _find_spark_home()
    port, page = _free_port(), _free_port()
    scratch = folder / "scratch"
    scratch.mkdir()
    environment = {
        **os.environ,
        "SPARK_HOME": home,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(scratch),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
    }

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [f"{home}/bin/spark-class", f"org.apache.spark.deploy.{name}", *arguments]
        with (folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    master = f"spark://127.0.0.1:{port}"
    address = ("--host", "127.0.0.1")
    processes = [
        start("master.Master", *address, "--port", str(port), "--webui-port", str(page)),
    ]
    try:
        _await(port, processes[0])
        for _ in range(WORKERS):
            size = ("--cores", "1", "--memory", "1g", "--webui-port", "0")
            processes.append(start("worker.Worker", *address, *size, master))
        yield Cluster(master, _options(scratch), scratch)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(20)


def _options(scratch: Path) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return {
        "spark.pyspark.python": sys.executable,
        "spark.executorEnv.PYTHONPATH": path,
        "spark.executor.memory": "700m",
        "spark.executor.cores": "1",
        "spark.local.dir": str(scratch),
        "spark.sql.shuffle.partitions": "4",
        # A test ends before Java's optimising compiler pays off.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        # Files that the privacy test looks into.
        "spark.shuffle.compress": "false",
        "spark.shuffle.spill.compress": "false",
        "spark.broadcast.compress": "false",
        # What a task did is read from here.
        "spark.ui.enabled": "true",
        "spark.ui.port": str(_free_port()),
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the Spark master did not start")
