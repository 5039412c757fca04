"""Spark: one application for the whole run, and the portable SQL on it."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from audit.engine.base import Engine
from audit.engine.dialect import SPARK
from audit.errors import Text, ToolError

__all__ = ["Application", "SparkEngine", "application", "release"]

_TRIES = 3
"""How often a master is knocked at before it counts as out of reach."""
_PATIENCE = 5.0
"""Seconds to wait for a master's answer, and between two tries."""
WORKERS_WITHIN = 120.0
"""Seconds within which a standalone cluster must give the first worker: Spark itself would wait for ever."""
_OURS = {
    "spark.app.name": "km-audit",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # what went wrong comes as an exception, and is said as a sentence
    "spark.sql.session.timeZone": "UTC",
    # a storage that does not answer is given up within a minute, not a quarter of an hour
    "spark.hadoop.ipc.client.connect.max.retries": "3",
    "spark.hadoop.ipc.client.connect.max.retries.on.timeouts": "2",
    "spark.hadoop.ipc.client.connect.timeout": "10000",
    "spark.hadoop.dfs.client.failover.max.attempts": "3",
}
"""Settings of an application of our own; a session that is there already keeps what it has."""


@dataclass
class Application:
    """The one Spark application of this process."""

    session: Any
    ours: bool
    """Whether we started it, and so have to end it."""
    kept: dict[Any, Any] = field(default_factory=dict)
    """What was learnt of the sources, for as long as the application is held."""


_now: Application | None = None


def application(master: str | None = None) -> Application:
    """Return the application of this process: the session that is there, else one of our own at ``master``."""
    global _now
    if _now is None or _ended(_now.session):
        found = _running()
        _now = Application(found, ours=False) if found is not None else Application(_start(master), ours=True)
    return _now


def release() -> None:
    """Forget the application; one that we started is stopped, and its Java with it."""
    global _now
    held, _now = _now, None
    if held is not None and held.ours:
        _stop(held.session)


def _stop(session: Any) -> None:
    from pyspark import SparkContext

    with contextlib.suppress(Exception):
        session.stop()
    gateway: Any = SparkContext._gateway
    process = getattr(gateway, "proc", None)
    if process is None:
        return  # a Java that others started
    with contextlib.suppress(Exception):
        gateway.shutdown()
        process.stdin.close()
        process.terminate()
        process.wait(20)
    SparkContext._gateway = SparkContext._jvm = None


def _ended(session: Any) -> bool:
    context = getattr(session, "_sc", None)  # none where the session is a client of another process
    return context is not None and context._jsc is None


def _package() -> Any:
    try:
        import pyspark
        import pyspark.sql
    except ImportError as e:
        raise ToolError(
            Text("Чтобы читать через Spark, нужен пакет pyspark", "Reading through Spark needs the package pyspark"),
            todo=Text("Установите km-audit[spark] и Java 17", "Install km-audit[spark] and Java 17"),
        ) from e
    # PySpark 4.3 says so of every pandas 3, and no frame of pandas goes through it here
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    return pyspark


def _running() -> Any:
    """Return the session that is there already (a notebook on a cluster, Databricks, spark-submit), or None."""
    pyspark = _package()
    found = pyspark.sql.SparkSession.getActiveSession()
    if found is None and pyspark.SparkContext._active_spark_context is not None:  # made in another thread
        found = pyspark.sql.SparkSession.builder.getOrCreate()
    return found


def _start(master: str | None) -> Any:
    pyspark = _package()
    _knock(master)
    settings = pyspark.SparkConf(loadDefaults=False)
    for name, value in _OURS.items():
        settings.set(name, value)
    if master is not None:  # else what spark-defaults.conf says, and the processors of this machine
        settings.setMaster(master)
    with tempfile.TemporaryFile() as said:
        try:
            from pyspark import java_gateway

            launch: Any = java_gateway.launch_gateway
            gateway = pyspark.SparkContext._gateway or launch(settings, {"stdout": said, "stderr": said})
            context = pyspark.SparkContext(conf=settings, gateway=gateway)
            session = pyspark.sql.SparkSession(context)
            _await_workers(context, master)
        except ToolError:
            _stop(session)
            raise
        except Exception as e:
            raise _no_start(master, e, said) from e
    return session


def _knock(master: str | None) -> None:
    """Raise where no standalone master answers: Spark's own message comes a minute later, and says nothing."""
    if master is None or not master.startswith("spark://"):
        return
    places = [p.rpartition(":") for p in master.removeprefix("spark://").split(",")]
    for last in (*[False] * (_TRIES - 1), True):
        for host, _, port in places:
            with contextlib.suppress(OSError, ValueError), socket.create_connection((host, int(port)), _PATIENCE):
                return
        if not last:
            time.sleep(_PATIENCE / 5)
    raise ToolError(
        Text(f"Кластер Spark не отвечает (попыток: {_TRIES})", f"The Spark cluster does not answer (tries: {_TRIES})"),
        where=master,
        todo=Text(
            "Проверьте адрес и порт master (обычно 7077) и что он доступен с этого компьютера",
            "Check the address and port of the master (mostly 7077) and that this computer reaches it",
        ),
    )


def _await_workers(context: Any, master: str | None) -> None:
    if master is None or not master.startswith("spark://"):
        return
    if context.getConf().get("spark.dynamicAllocation.enabled", "false") == "true":
        return  # workers come with the first task
    until = time.monotonic() + WORKERS_WITHIN
    status = context._jsc.sc().statusTracker()
    while len(status.getExecutorInfos()) < 2:  # the driver is one of them
        if time.monotonic() > until:
            raise ToolError(
                Text(
                    f"Кластер Spark за {WORKERS_WITHIN:.0f} с не дал ни одного исполнителя",
                    f"The Spark cluster gave not one executor within {WORKERS_WITHIN:.0f} s",
                ),
                where=master,
                todo=Text(
                    "Проверьте, что узлы кластера работают, свободны и видят этот компьютер; spark.executor.memory и "
                    "spark.cores.max в spark-defaults.conf должны быть им по силам",
                    "Check that the cluster's workers are up, free, and reach this computer; they must be able to give "
                    "spark.executor.memory and spark.cores.max of spark-defaults.conf",
                ),
            )
        time.sleep(0.2)


def _no_start(master: str | None, cause: Exception, said: IO[bytes]) -> ToolError:
    said.seek(0)
    lines = said.read()[-20_000:].decode("utf-8", "replace")
    where = master or "spark"
    java = Text("Установите Java 17 и укажите её в JAVA_HOME", "Install Java 17 and name it in JAVA_HOME")
    if "UnsupportedClassVersionError" in lines:
        return ToolError(
            Text("Java слишком старая для Spark", "This Java is too old for Spark"), where=where, todo=java
        )
    if "JAVA_GATEWAY_EXITED" in str(cause) or isinstance(cause, FileNotFoundError):
        known = "JAVA_HOME" in lines or "java: " in lines or "java'" in lines
        if known or not lines.strip():
            return ToolError(
                Text("Spark нужна Java, а её здесь нет", "Spark needs Java, and there is none here"),
                where=where,
                todo=java,
            )
    reason = _last(str(cause), lines)
    return ToolError(
        Text(f"Spark не запустился: {reason}", f"Spark did not start: {reason}"),
        where=where,
        todo=Text(
            "Проверьте Java 17, адрес master и spark-defaults.conf",
            "Check Java 17, the master address and spark-defaults.conf",
        ),
    )


def _last(message: str, lines: str) -> str:
    """Return the line that says most: the innermost cause of Java, else what stands on its standard error last."""
    causes = [
        line.partition(": ")[2] or line
        for line in (*message.splitlines(), *lines.splitlines())
        if line.startswith("Caused by: ")
    ]
    plain = [line.strip() for line in message.splitlines() if line.strip()]
    return (causes or plain or ["?"])[-1][:200]


class SparkEngine(Engine):
    """The portable SQL on Spark (optional dependency, Java 17)."""

    dialect = SPARK

    def __init__(self, master: str | None = None) -> None:
        self.session: Any = application(master).session

    def attach(self, name: str, path: Path, part: tuple[int, int] | None = None) -> None:
        """Make the Parquet at ``path`` visible to queries under ``name``, all of it or one part of its clients."""
        rows = self.session.read.parquet(path.absolute().as_uri())
        if part is not None:
            rows = rows.where(f"pmod(hash(client_key), {part[1]}) = {part[0]}")
        rows.createOrReplaceTempView(name)

    def _arrow(self, sql: str) -> pa.Table:
        return self.session.sql(sql).toArrow()

    def _write(self, sql: str, path: Path) -> None:
        self.session.sql(sql).write.mode("overwrite").parquet(path.absolute().as_uri())

    def close(self) -> None:
        """Release the application."""
        release()
