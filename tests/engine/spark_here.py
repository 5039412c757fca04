"""Whether Spark can run on this computer, and a small session for tests of results, not of speed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NEEDED", "java_version", "small_session"]


def java_version() -> int:
    """Return the major version of the Java that Spark would start; 0 without one."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    if java is None:
        return 0
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


NEEDED = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed: pip install km-audit[spark]"
    ),
    pytest.mark.skipif(java_version() < 17, reason="no Java 17 or later, which Spark needs"),
]

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.default.parallelism": "1",
    # a few thousand rows a query: compiling Java for each costs more than interpreting it does
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def small_session(**settings: str) -> Any:
    """Start a session of one processor; names of settings have ``__`` for the dot."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("km-audit-tests").master("local[1]")
    for name, value in (SETTINGS | {k.replace("__", "."): v for k, v in settings.items()}).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session
