"""What every engine offers: attach Parquet as a view, query into a small frame, materialise into Parquet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from jinja2 import Environment, StrictUndefined, Template

from audit.engine.dialect import Dialect

__all__ = ["Engine", "arrow_to_frame"]


class Engine(ABC):
    """An SQL engine behind the kit's portable text."""

    dialect: Dialect

    @property
    def name(self) -> str:
        """The engine's name as in ``[inputs] engine``."""
        return self.dialect.name

    def render(self, template: str, **values: Any) -> str:
        """Return the SQL of a template for this engine; an undefined name is an error."""
        return _compiled(template).render(**self.dialect.names(), **values)

    def query(self, template: str, **values: Any) -> pd.DataFrame:
        """Run a template and return a small frame; DECIMAL comes back as float, DATE as datetime64."""
        return self.ask(self.render(template, **values))

    def ask(self, sql: str) -> pd.DataFrame:
        """Run SQL that `render` gave and return a small frame."""
        return arrow_to_frame(self._arrow(sql))

    def materialise(self, template: str, path: Path, **values: Any) -> None:
        """Run a template into Parquet at ``path`` (a file, or a folder of parts)."""
        self._write(self.render(template, **values), path)

    def parts(self, lines: Path) -> int:
        """Return into how many parts the clients of so many lines are best divided for the collapse."""
        return 1  # an engine of many machines divides by itself

    @abstractmethod
    def attach(self, name: str, path: Path, part: tuple[int, int] | None = None) -> None:
        """Make the Parquet at ``path`` visible to queries under ``name``.

        ``part`` (number from 0, of how many): only the rows of the clients of that part; `parts` says how many there are.
        """

    @abstractmethod
    def _arrow(self, sql: str) -> pa.Table: ...

    @abstractmethod
    def _write(self, sql: str, path: Path) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Release the engine."""


@lru_cache(maxsize=512)
def _compiled(template: str) -> Template:
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(template)


def arrow_to_frame(table: pa.Table) -> pd.DataFrame:
    """Turn an Arrow result into a frame: DECIMAL and integers with nulls as float, DATE as datetime64[s]."""
    columns = []
    for column, field in zip(table.columns, table.schema, strict=True):
        if pa.types.is_decimal(field.type):
            column = column.cast(pa.float64())
        elif pa.types.is_date(field.type):
            column = column.cast(pa.timestamp("s"))
        elif pa.types.is_null(field.type):
            column = column.cast(pa.string())
        columns.append(column)
    frame: pd.DataFrame = pa.table(columns, names=table.column_names).to_pandas()
    return frame
