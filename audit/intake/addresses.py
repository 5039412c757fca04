"""What a source of orders is, by its text alone: a path of this computer, a database, or something only a cluster reads."""

from __future__ import annotations

import re

__all__ = ["is_address", "is_cluster", "is_elsewhere"]

_ADDRESS = re.compile(r"^[a-z][a-z0-9]*(\+[a-z0-9_]+)?://", re.IGNORECASE)
_SCHEMES = "s3a|s3|s3n|hdfs|webhdfs|viewfs|abfs|abfss|wasb|wasbs|adl|gs|oss|cosn|obs|o3fs|ofs|dbfs|file"
_CLUSTER = re.compile(rf"(?:spark:|(?:{_SCHEMES}):/)", re.IGNORECASE)


def is_address(source: str) -> bool:
    """Whether a source is a database address and not a path."""
    return bool(_ADDRESS.match(source)) and not is_cluster(source)


def is_cluster(source: str) -> bool:
    """Whether a source is one that only Spark reads: ``spark:table``, ``spark:SELECT …``, a folder in a shared storage."""
    return bool(_CLUSTER.match(source))


def is_elsewhere(source: str) -> bool:
    """Whether a source is no path of this computer."""
    return is_address(source) or is_cluster(source)
