"""The files behind the sources of an audit: folders and patterns resolved, every file opened by what it is.

What a file is, its first bytes say; the extension is not trusted.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from audit.errors import InputError, Text
from audit.intake.columnar import open_parquet
from audit.intake.delimited import open_delimited
from audit.intake.layout import Layout
from audit.intake.staging import Row, Staged
from audit.settings import Reading

__all__ = ["FoundFile", "TableReader", "find_files", "open_tables"]


class TableReader(Protocol):
    """One table of a file, ready to be staged."""

    name: str
    format: str
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    merged: tuple[tuple[int, int, int, int], ...]
    sha256: str

    def head(self) -> list[Row]:
        """Return the first rows as text cells, preamble included."""
        ...

    def stage(self, layout: Layout, keep: Sequence[tuple[str, int]], path: Path, connection: Any) -> Staged:
        """Write the columns ``keep`` (field, column) of all rows after the header to ``path``."""
        ...


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file: where it lies and the name under which the report speaks of it."""

    path: Path
    name: str


def find_files(sources: Sequence[str | Path]) -> list[FoundFile]:
    """Resolve files, folders and patterns into files, each once, in the order of their names.

    Hidden files, lock files of office programs (``~$``) and empty folders' leftovers are not data. A source that
    matches nothing is an error: silence would look like «no orders».
    """
    paths: dict[Path, None] = {}
    for source in sources:
        hits = list(_expand(source))
        if not hits:
            raise InputError(
                Text(f"Не найдено ни одного файла с заказами: {source}", f"No orders file found: {source}"),
                where="[inputs] orders, --orders",
                todo=Text("Проверьте путь; в папке должны лежать выгрузки (CSV, XLSX, XLS, ODS, Parquet, ZIP)",
                          "Check the path; the folder must hold exports (CSV, XLSX, XLS, ODS, Parquet, ZIP)"),
            )  # fmt: skip
        for hit in hits:
            paths.setdefault(hit.resolve(), None)
    files = sorted(paths)
    names = [p.name for p in files]
    out = []
    for p in files:
        name = p.name if names.count(p.name) == 1 else f"{p.parent.name}/{p.name}"
        out.append(FoundFile(p, name))
    if len({f.name for f in out}) < len(out):
        out = [FoundFile(f.path, f.path.as_posix()) for f in out]
    return sorted(out, key=lambda f: f.name)


def _expand(source: str | Path) -> Iterator[Path]:
    path = Path(source)
    if path.is_file():
        yield path
        return
    if path.is_dir():
        yield from (p for p in sorted(path.rglob("*")) if p.is_file() and not _not_data(p))
        return
    for hit in sorted(glob.glob(str(source), recursive=True)):
        found = Path(hit)
        if found.is_file() and not _not_data(found):
            yield found


def _not_data(path: Path) -> bool:
    return path.name.startswith((".", "~$")) or path.suffix.lower() in {".toml", ".md", ".ini", ".lnk"}


def open_tables(file: FoundFile, reading: Reading, work: Path) -> list[TableReader]:
    """Open a file and return its tables; ``work`` is a folder for what has to be unpacked."""
    if file.path.stat().st_size == 0:
        raise InputError(
            Text("Файл пуст", "The file is empty"), where=file.name,
            todo=Text("Выгрузите данные заново или уберите файл", "Export the data again or take the file away"),
        )  # fmt: skip
    with file.path.open("rb") as f:
        start = f.read(8)
    if start[:4] == b"PAR1":
        return [open_parquet(file.path, file.name)]
    return [open_delimited(file.path, file.name, reading.encoding, reading.delimiter)]
