"""Choose the engine named in the settings or on the command line."""

from __future__ import annotations

from audit.engine.base import Engine
from audit.engine.duck import DuckEngine
from audit.errors import SettingsError, Text

__all__ = ["is_spark", "open_engine", "spark_master"]

_MASTERS = ("spark://", "local[", "yarn", "k8s://")


def is_spark(name: str) -> bool:
    """Whether an engine's name is Spark: ``spark`` itself or a master; raise where it is no engine at all."""
    if name == "duckdb":
        return False
    if name in ("spark", "local") or name.startswith(_MASTERS):
        return True
    raise SettingsError(
        Text(f"Неизвестный движок «{name}»", f"Unknown engine “{name}”"),
        where="[inputs] engine, --engine",
        todo=Text("Укажите duckdb, spark или адрес master", "Give duckdb, spark or a master address"),
    )


def spark_master(name: str) -> str | None:
    """Return the master that an engine names; None for ``spark``, the session that is there or Spark's own settings."""
    return None if name == "spark" else name


def open_engine(name: str = "duckdb") -> Engine:
    """Open ``duckdb``, or the SQL of Spark in the application of this process."""
    if not is_spark(name):
        return DuckEngine()
    from audit.engine.spark import SparkEngine

    return SparkEngine(spark_master(name))
