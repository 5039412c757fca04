"""A standalone Spark cluster on this computer, its workers under another user: for the tests and for benchmarks/spark.py."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["OTHER", "Cluster", "free_port", "other_user_reads", "standalone"]

OTHER = 65534
"""The user «nobody»: a cluster runs under a user of its own, who cannot read the consultant's folders."""
_PATIENCE = 120.0


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its master, the folder that it shares with this user, and what Spark here has to be told."""

    master: str
    shared: Path
    environment: dict[str, str]
    processes: tuple[int, ...]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _home() -> Path:
    import pyspark

    return Path(str(pyspark.__file__)).parent


def _as_other(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, user=OTHER, group=OTHER, extra_groups=[], **options)


def other_user_reads() -> bool:
    """Whether the other user can read the folder in which pyspark is installed: its workers run from there."""
    jar = next((_home() / "jars").glob("spark-core*.jar"))
    return _as_other(["test", "-r", str(jar)]).wait() == 0


@contextmanager
def standalone(workers: int = 2, *, executor: str = "512m", partitions: int = 4) -> Iterator[Cluster]:
    """Run a master and ``workers`` of one processor each; only root can start them under another user."""
    shared = Path(tempfile.mkdtemp(prefix="km-audit-shared-"))
    shared.chmod(0o755)
    work, conf = shared / "work", shared / "conf"
    work.mkdir()
    conf.mkdir()
    os.chown(work, OTHER, OTHER)
    (conf / "spark-defaults.conf").write_text(
        f"spark.executor.memory {executor}\nspark.driver.host 127.0.0.1\nspark.driver.bindAddress 127.0.0.1\n"
        f"spark.sql.shuffle.partitions {partitions}\n",
        encoding="utf-8",
    )
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "SPARK_HOME": str(_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(work / "apps"),
        "SPARK_LOCAL_DIRS": str(work / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
    } | {k: v for k, v in os.environ.items() if k == "JAVA_HOME"}
    start = str(_home() / "bin" / "spark-class")
    options: dict[str, Any] = {
        "env": environment,
        "cwd": work,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    here = ["--host", "127.0.0.1", "--webui-port", "0"]
    running = [_as_other([start, "org.apache.spark.deploy.master.Master", *here, "--port", str(port)], **options)]
    try:
        _wait_for(port)
        master = f"spark://127.0.0.1:{port}"
        worker = [start, "org.apache.spark.deploy.worker.Worker", *here, "--cores", "1", "--memory", executor, master]
        running += [_as_other(worker, **options) for _ in range(workers)]
        told = {"SPARK_CONF_DIR": str(conf), "SPARK_LOCAL_IP": "127.0.0.1"}
        yield Cluster(master, shared, told, tuple(p.pid for p in running))
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)
        shutil.rmtree(shared, ignore_errors=True)


def _wait_for(port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise TimeoutError("the master did not start") from None
            time.sleep(0.5)
