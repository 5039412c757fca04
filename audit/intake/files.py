"""The files behind the sources of an audit: folders and patterns resolved, every file opened by what it is.

What a file is, its first bytes say; the extension is not trusted.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from audit.errors import InputError, Text
from audit.intake.archives import check_package, unpack, with_slashes
from audit.intake.columnar import open_parquet
from audit.intake.delimited import open_delimited
from audit.intake.grids import open_html, open_xml
from audit.intake.guard import reading
from audit.intake.layout import Layout, find_layout, head_rows
from audit.intake.questionnaire.recognise import is_questionnaire
from audit.intake.staging import Row, Staged
from audit.intake.store import Store
from audit.intake.workbooks import encrypted, open_workbook
from audit.settings import Settings

__all__ = ["FoundFile", "TableReader", "find_files", "open_tables"]


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = ((b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "GZIP"), (b"MZ", "EXE"), (b"\x7fELF", "ELF"))
"""Files that may hold what we are after in a form that is not read: they stop the reading."""
_STRAY = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"{\\rtf", "RTF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)
"""Letters and pictures, which hold no table: they lie beside exports and are named in a note."""
_PROSE_BYTES = 65_536
"""A text without columns up to this size is a note to the reader."""


class TableReader(Protocol):
    """One table of a file, ready to be staged."""

    name: str
    format: str

    @property
    def encoding(self) -> str | None:
        """Encoding of a text file."""
        ...

    @property
    def delimiter(self) -> str | None:
        """Delimiter of a text file."""
        ...

    @property
    def sheet(self) -> str | None:
        """Sheet of a workbook."""
        ...

    @property
    def merged(self) -> tuple[tuple[int, int, int, int], ...]:
        """Merged cells, rows from 1, columns from 0."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of the file, known once all of its rows were given."""
        ...

    def head(self, rows: int = ...) -> list[Row]:
        """Return the first rows as text cells, preamble included."""
        ...

    def outline(self) -> Mapping[int, int]:
        """Return the outline level of the rows that have one; only workbooks have outlines."""
        ...

    def every_row(self) -> Iterator[Row]:
        """Give all rows one by one: for grouped reports, which no reader takes by the column."""
        ...

    def stage(self, layout: Layout, keep: Sequence[tuple[str, int]], path: Path, store: Store) -> Staged:
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
                todo=Text(
                    "Проверьте путь; в папке должны лежать выгрузки (CSV, XLSX, XLS, ODS, Parquet, ZIP)",
                    "Check the path; the folder must hold exports (CSV, XLSX, XLS, ODS, Parquet, ZIP)",
                ),
            )
        for hit in hits:
            paths.setdefault(hit.resolve(), None)
    files = sorted(paths)
    names = [p.name for p in files]
    out = []
    for p in files:
        name = p.name if names.count(p.name) == 1 else f"{p.parent.name}/{p.name}"
        out.append(FoundFile(p, _shown(name)))
    if len({f.name for f in out}) < len(out):
        out = [FoundFile(f.path, _shown(f.path.as_posix())) for f in out]
    return sorted(out, key=lambda f: f.name)


def _shown(name: str) -> str:
    """Return a name as text: what is no UTF-8 in it stands as its bytes, ``\\xe7``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _readable(path: Path, work: Path) -> Path:
    """Return the path of a file for readers that take only UTF-8 paths: its own, else that of a copy."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        copy = work / f"named_{len(list(work.iterdir()))}{_shown(path.suffix)}"
        shutil.copyfile(path, copy)
        return copy
    return path


def _expand(source: str | Path) -> Iterator[Path]:
    path = Path(source)
    if path.is_file():
        yield path
        return
    if path.is_dir():
        yield from (p for p in sorted(path.rglob("*")) if p.is_file() and not (_not_data(p) or _own(p, path)))
        return
    for hit in sorted(glob.glob(str(source), recursive=True)):
        found = Path(hit)
        if found.is_file() and not _not_data(found):
            yield found


_OWN = frozenset({"check.html", "rejected_rows.csv", "findings.json", "manifest.json", "compare.html", "compare.json"})
"""What the kit itself leaves in folders: never an input."""


def _own(path: Path, top: Path) -> bool:
    """Whether a file below a folder lies in a run, or in what the kit keeps hidden."""
    between = [p for p in path.parents if top in p.parents or p == top]
    return any((p.name.startswith(".") and p != top) or (p / "manifest.json").is_file() for p in between)


def _not_data(path: Path) -> bool:
    """Whether a file is what office programs, file managers and the kit itself leave beside data."""
    return (
        path.name in _OWN
        or path.name.endswith("-rejected_rows.csv")
        or path.name.startswith((".", "~$"))
        or path.suffix.lower() in {".toml", ".md", ".ini", ".lnk"}
        or path.name.lower() == "thumbs.db"
    )


def open_tables(file: FoundFile, settings: Settings, work: Path, stray: list[InputError]) -> Iterator[TableReader]:
    """Open a file and give its tables one by one; ``work`` is a folder for what has to be unpacked.

    A letter or a picture gives no table: what would be said of it, were it the only file, is added to ``stray``.
    """
    yield from _open(_readable(file.path, work), file.name, settings, work, stray, inside=False)


def _open(
    path: Path, name: str, settings: Settings, work: Path, stray: list[InputError], *, inside: bool
) -> Iterator[TableReader]:
    with reading(name):
        yield from _tables(path, name, settings, work, stray, inside=inside)


def _tables(
    path: Path, name: str, settings: Settings, work: Path, stray: list[InputError], *, inside: bool
) -> Iterator[TableReader]:
    if path.stat().st_size == 0:
        raise InputError(
            Text("Файл пуст", "The file is empty"),
            where=name,
            todo=Text("Выгрузите данные заново или уберите файл", "Export the data again or take the file away"),
        )
    with path.open("rb") as f:
        start = f.read(4096)
    reading = settings.reading
    if start[:4] == b"PAR1":
        yield open_parquet(path, name)
    elif start[:2] == b"PK":
        yield from _open_zip(path, name, settings, work, stray, inside=inside)
    elif start[:8] == _OLE:
        if _ole_has(path, "EncryptedPackage"):
            raise encrypted(name)
        if _ole_has(path, "WordDocument"):
            stray.append(_foreign(name, "DOC"))
            return
        yield from open_workbook(path, name, "xls", settings)
    elif start.startswith(b"SQLite format 3"):
        raise InputError(
            Text("Это файл базы данных, а не таблица", "This is a database file, not a table"),
            where=name,
            todo=Text(
                f"Укажите таблицу: sqlite:///{path.as_posix()}#имя_таблицы",
                f"Name the table: sqlite:///{path.as_posix()}#table_name",
            ),
        )
    elif (kind := next((k for magic, k in _FOREIGN if start.startswith(magic)), None)) is not None:
        raise _foreign(name, kind)
    elif (kind := next((k for magic, k in _STRAY if start.startswith(magic)), None)) is not None:
        stray.append(_foreign(name, kind))
    else:
        text = _start_text(start)
        if "urn:schemas-microsoft-com:office:spreadsheet" in text:
            yield from open_xml(path, name, settings)
        elif 'content="km-audit"' in text:
            stray.append(_foreign(name, "HTML"))
        elif text.startswith(("<html", "<!doctype html", "<table", "<meta", "<head", "<body", "<style", "<?xml")) and (
            "<t" in text or "html" in text
        ):
            yield open_html(path, name, reading.encoding)
        elif text.startswith("mime-version:"):
            raise _foreign(name, "MHT")
        elif text.startswith(("{", "[{")):
            raise _foreign(name, "JSON")
        else:
            reader = open_delimited(path, name, reading, work)
            small = name.lower().endswith(".txt") and path.stat().st_size <= _PROSE_BYTES
            if small and _is_prose(reader.head(head_rows(reading.header_row)), settings):
                stray.append(_foreign(name, "TXT"))
            else:
                yield reader


def _is_prose(rows: Sequence[Row], settings: Settings) -> bool:
    """Whether a text is no table: no header in it, nor three lines in a row with the same three or more cells."""
    widths = [len(cells) for _, cells in rows if any(c.strip() for c in cells)]
    even = any(a == b == c and a >= 3 for a, b, c in zip(widths, widths[1:], widths[2:], strict=False))
    return not even and find_layout(rows, settings.columns, settings.reading.header_row) is None


def _open_zip(
    path: Path, name: str, settings: Settings, work: Path, stray: list[InputError], *, inside: bool
) -> Iterator[TableReader]:
    names = [e.filename for e in check_package(path, name)]
    if any(n.lower().startswith("xl\\") for n in names):
        # Packages of old .NET: their entries are named with backslashes, and Excel opens them.
        repaired = with_slashes(path, name, work / f"package_{len(list(work.iterdir()))}.xlsx")
        for reader in open_workbook(repaired, name, "xlsx", settings):
            reader.sent = path
            yield reader
        return
    entries = {n.lower() for n in names}
    if any(e.startswith("xl/workbook") for e in entries) and is_questionnaire(path):
        stray.append(
            InputError(
                Text("Это анкета, а не заказы", "This is the questionnaire and holds no orders"),
                where=name,
                todo=Text("Положите её рядом с папкой orders", "Put it beside the folder orders"),
            )
        )
    elif any(e.startswith("xl/workbook") for e in entries):
        kind = "xlsb" if "xl/workbook.bin" in entries else "xlsx"
        yield from open_workbook(path, name, kind, settings)
    elif "content.xml" in entries and "mimetype" in entries:
        yield from open_workbook(path, name, "ods", settings)
    elif any(e.startswith(("word/", "ppt/")) for e in entries) and "[content_types].xml" in entries:
        stray.append(_foreign(name, "DOCX" if any(e.startswith("word/") for e in entries) else "PPTX"))
    elif inside:
        raise InputError(
            Text("Архив внутри архива не читается", "An archive inside an archive is not read"),
            where=name,
            todo=Text("Распакуйте внутренний архив", "Unpack the inner archive"),
        )
    else:
        folder = work / f"zip_{len(list(work.iterdir()))}"
        found = [(inner, shown) for inner, shown in unpack(path, name, folder) if not _not_data(Path(shown))]
        if not found:
            raise InputError(
                Text("В архиве нет файлов", "The archive holds no files"),
                where=name,
                todo=Text("Положите в архив выгрузки", "Put the exports into the archive"),
            )
        for inner, shown in found:
            yield from _open(inner, shown, settings, work, stray, inside=True)
            with contextlib.suppress(OSError):  # still open somewhere on Windows: the work folder goes as a whole
                inner.unlink()


def _start_text(start: bytes) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return start.decode("utf-16", "replace").lstrip("\ufeff \t\r\n").lower()
    return start.decode("latin-1").lstrip("\u00ef\u00bb\u00bf \t\r\n").lower()


def _ole_has(path: Path, stream: str) -> bool:
    """Whether an OLE container names a stream: a workbook behind a password, a letter of old Word."""
    wanted, size = stream.encode("utf-16-le"), path.stat().st_size
    with path.open("rb") as f:
        if wanted in f.read(2**20):
            return True
        f.seek(max(size - 2**20, min(size, 2**20)))
        return wanted in f.read(2**20)


def _foreign(name: str, kind: str) -> InputError:
    return InputError(
        Text(f"Файл {kind} не читается как таблица заказов", f"A {kind} file is not read as a table of orders"),
        where=name,
        todo=Text(
            "Дайте выгрузку в CSV, XLSX, XLS, ODS, Parquet или ZIP с ними",
            "Give the export as CSV, XLSX, XLS, ODS, Parquet or a ZIP of these",
        ),
    )
