"""Choose the engine named in the settings or on the command line."""

from __future__ import annotations

from audit.engine.base import Engine
from audit.engine.duck import DuckEngine
from audit.errors import SettingsError, Text

__all__ = ["open_engine"]


def open_engine(name: str = "duckdb") -> Engine:
    """Open ``duckdb``, ``spark`` (the active session, else local) or a Spark master address."""
    if name == "duckdb":
        return DuckEngine()
    if name == "spark" or name.startswith(("spark://", "local[", "local", "yarn", "k8s://")):
        from audit.engine.spark import SparkEngine

        return SparkEngine(None if name == "spark" else name)
    raise SettingsError(
        Text(f"Неизвестный движок «{name}»", f"Unknown engine “{name}”"),
        where="[inputs] engine, --engine",
        todo=Text("Укажите duckdb, spark или адрес master", "Give duckdb, spark or a master address"),
    )
