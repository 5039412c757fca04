"""One adapter over the SQL engines: the same portable text runs on embedded DuckDB and on Spark, with equal results.

The SQL lives beside the code that means it (``audit/model/sql``, ``audit/chapters/*/sql``) as Jinja templates in a small
common subset. Where dialects differ a named shim is called (`audit.engine.dialect`). No other module imports duckdb
or pyspark.
"""

from audit.engine.base import Engine
from audit.engine.factory import is_spark, open_engine, spark_master

__all__ = ["Engine", "is_spark", "open_engine", "spark_master"]
