"""Archives: a zip of exports is unpacked into the work folder, within limits that a zip bomb does not pass."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from pathlib import Path

from audit.errors import InputError, Text

__all__ = ["DAMAGED_ZIP", "MAX_RATIO", "MAX_UNPACKED_BYTES", "check_package", "unpack"]

DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
"""What `zipfile` raises over a file that it cannot read: NotImplementedError is its word for a compression it does not know,
RuntimeError for a password."""
MAX_UNPACKED_BYTES = 16 * 2**30
MAX_ENTRIES = 10_000
MAX_RATIO = 250
"""No table shrinks more than this; above it, and above 64 MB unpacked, it is a bomb."""
_FREE_BYTES = 64 * 2**20


def _bomb(name: str, size: int) -> InputError:
    gb = size / 2**30
    limit = MAX_UNPACKED_BYTES / 2**30
    return InputError(
        Text(
            f"Архив не распакован: внутри {gb:.1f} ГБ при сжатии больше {MAX_RATIO}:1 или больше {limit:.0f} ГБ",
            f"The archive was not unpacked: {gb:.1f} GB inside, compressed above {MAX_RATIO}:1 or above {limit:.0f} GB",
        ),
        where=name,
        todo=Text(
            "Если файл настоящий, распакуйте его сами и укажите папку",
            "If the file is genuine, unpack it yourself and name the folder",
        ),
    )


def damaged_archive(name: str) -> InputError:
    """Return the error for an archive that cannot be read to its end."""
    return InputError(
        Text("Архив повреждён или передан не полностью", "The archive is damaged or incomplete"),
        where=name,
        todo=Text(
            "Пришлите его ещё раз или распакуйте и укажите папку", "Send it again, or unpack it and name the folder"
        ),
    )


def check_package(path: Path, name: str) -> list[zipfile.ZipInfo]:
    """Return the entries of a zip (an archive or an office file) if it is whole and within the limits."""
    try:
        with zipfile.ZipFile(path) as z:
            entries = z.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as e:
        raise damaged_archive(name) from e
    size = sum(e.file_size for e in entries)
    packed = sum(e.compress_size for e in entries) or 1
    if size > MAX_UNPACKED_BYTES or (size > _FREE_BYTES and size / packed > MAX_RATIO) or len(entries) > MAX_ENTRIES:
        raise _bomb(name, size)
    return entries


def with_slashes(path: Path, name: str, target: Path) -> Path:
    """Copy a package whose entries are named with backslashes to ``target``, named as they should be."""
    try:
        with (
            zipfile.ZipFile(path) as source,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy,
        ):
            for entry in source.infolist():
                with (
                    source.open(entry) as f,
                    copy.open(entry.filename.replace("\\", "/"), "w", force_zip64=True) as sink,
                ):
                    shutil.copyfileobj(f, sink)
    except DAMAGED_ZIP as e:
        raise damaged_archive(name) from e
    return target


def unpack(path: Path, name: str, folder: Path) -> list[tuple[Path, str]]:
    """Unpack the files of an archive; return where each lies and its name with the archive before it."""
    entries = check_package(path, name)
    folder.mkdir(parents=True, exist_ok=True)
    out: list[tuple[Path, str]] = []
    left = MAX_UNPACKED_BYTES
    with zipfile.ZipFile(path) as z:
        for number, entry in enumerate(sorted(entries, key=lambda e: e.filename)):
            inner = _entry_name(entry)
            base = inner.rsplit("/", 1)[-1]
            if entry.is_dir() or not base or base.startswith((".", "~$")) or inner.startswith("__MACOSX/"):
                continue
            if entry.flag_bits & 1:
                raise InputError(
                    Text("Архив защищён паролем", "The archive is protected by a password"),
                    where=name,
                    todo=Text("Распакуйте его и укажите папку", "Unpack it and name the folder"),
                )
            # The name inside the archive never becomes a path on this disk.
            target = folder / f"{number}.bin"
            try:
                with z.open(entry) as source, target.open("wb") as sink:
                    while part := source.read(2**20):
                        left -= len(part)
                        if left < 0:
                            raise _bomb(name, MAX_UNPACKED_BYTES)
                        sink.write(part)
            except DAMAGED_ZIP as e:
                raise damaged_archive(name) from e
            out.append((target, f"{name}/{inner}"))
    return out


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """Names packed by Windows without the UTF-8 flag are cp866, which Python takes for cp437."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("cp866")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return entry.filename
