"""Writers of formats that no installed library writes: XLS (BIFF8 in an OLE container), ODS, XML 2003, HTML."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

Cell = str | float | int | dt.date | None
EPOCH = dt.date(1899, 12, 30)


def write_xls(
    path: Path,
    rows: Sequence[Sequence[Cell]],
    sheet: str = "Лист1",
    *,
    from_1904: bool = False,
    merged: Sequence[tuple[int, int, int, int]] = (),
) -> None:
    """A minimal workbook of Excel 97: labels, numbers, dates with a date format.

    ``from_1904`` says that days count from 1904; ``merged`` are first row, last row, first column, last column, from 0.
    """
    epoch = dt.date(1904, 1, 1) if from_1904 else EPOCH

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def text16(text: str) -> bytes:
        return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")

    cells = b""
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                cells += record(0x0204, struct.pack("<HHH", r, c, 15) + text16(value))
            elif isinstance(value, dt.date):
                cells += record(0x0203, struct.pack("<HHHd", r, c, 16, float((value - epoch).days)))
            else:
                cells += record(0x0203, struct.pack("<HHHd", r, c, 15, float(value)))
    width = max(len(r) for r in rows)
    bof = struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0x00C1, 0x0306)
    page = (
        record(0x0809, bof)
        + record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
        + cells
        + (
            record(0xE5, struct.pack("<H", len(merged)) + b"".join(struct.pack("<4H", *m) for m in merged))
            if merged
            else b""
        )
        + record(0x0A, b"")
    )
    font = record(0x31, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + b"\x05\x00" + b"Arial")
    formats = record(0x041E, struct.pack("<H", 164) + struct.pack("<HB", 10, 0) + b"dd\\.mm\\.yy")
    styles = b"".join(
        record(
            0xE0,
            struct.pack("<HHHBBBBIIH", 0, 164 if i == 16 else 0, 0xFFF5 if i < 15 else 1, 0x20, 0, 0, 0, 0, 0, 0x20C0),
        )
        for i in range(17)
    )
    name = sheet.encode("utf-16-le")
    head = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0x00C1, 0x0306)) + record(
        0x42, struct.pack("<H", 1200)
    )
    head += record(0x22, struct.pack("<H", 1)) if from_1904 else b""
    bound = 4 + 4 + 2 + 2 + len(name)
    offset = len(head) + len(font) * 4 + len(formats) + len(styles) + bound + 4
    sheets = record(0x85, struct.pack("<IHBB", offset, 0, len(sheet), 1) + name)
    stream = head + font * 4 + formats + styles + sheets + record(0x0A, b"") + page
    path.write_bytes(_container({"Workbook": stream.ljust(4096, b"\0")}))


def _container(streams: dict[str, bytes]) -> bytes:
    """An OLE container whose streams are all of 4096 bytes or more."""
    end, free, fat_mark = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    sectors: list[bytes] = []
    fat: list[int] = []
    entries = []
    for name, data in streams.items():
        start = len(sectors)
        pieces = [data[i : i + 512].ljust(512, b"\0") for i in range(0, len(data), 512)]
        sectors += pieces
        fat += [start + i + 1 for i in range(len(pieces) - 1)] + [end]
        entries.append((name, start, len(data)))
    directory_at = len(sectors)

    def entry(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
        raw = name.encode("utf-16-le")
        return (
            raw.ljust(64, b"\0")
            + struct.pack("<HBB", len(raw) + 2 if name else 0, kind, 1)
            + struct.pack("<III", free, right, child)
            + b"\0" * 36
            + struct.pack("<IQ", start, size)
        )

    directory = entry("Root Entry", 5, 1, free, end, 0)
    for i, (name, start, size) in enumerate(entries):
        directory += entry(name, 2, free, i + 2 if i + 1 < len(entries) else free, start, size)
    directory = directory.ljust(-(-len(directory) // 512) * 512, b"\0")
    pieces = [directory[i : i + 512] for i in range(0, len(directory), 512)]
    sectors += pieces
    fat += [directory_at + i + 1 for i in range(len(pieces) - 1)] + [end]
    count = 1
    while (len(fat) + count) > count * 128:
        count += 1
    fat_at = len(sectors)
    fat += [fat_mark] * count
    fat += [free] * (count * 128 - len(fat))
    table = struct.pack(f"<{len(fat)}I", *fat)
    sectors += [table[i : i + 512] for i in range(0, len(table), 512)]
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\0" * 16
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
        + b"\0" * 6
        + struct.pack("<IIIIIIIII", 0, count, directory_at, 0, 4096, end, 0, end, 0)
    )
    difat = [fat_at + i for i in range(count)] + [free] * (109 - count)
    return header + struct.pack("<109I", *difat) + b"".join(sectors)


def write_encrypted(path: Path) -> None:
    """A container as Excel writes it for a workbook with a password (contents random)."""
    path.write_bytes(
        _container({"EncryptionInfo": b"\x04\x00\x04\x00".ljust(4096, b"x"), "EncryptedPackage": b"\x17" * 8192})
    )


def write_ods(path: Path, rows: Sequence[Sequence[Cell]], sheet: str = "Лист1") -> None:
    def cell(value: Cell) -> str:
        if value is None or value == "":
            return "<table:table-cell/>"
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        if isinstance(value, dt.date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'

    body = "".join("<table:table-row>" + "".join(cell(v) for v in r) + "</table:table-row>" for r in rows)
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="{sheet}">{body}</table:table></office:spreadsheet>'
        "</office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
        'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        z.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
        z.writestr("META-INF/manifest.xml", manifest)


def write_xml2003(path: Path, rows: Sequence[Sequence[Cell]], sheet: str = "Лист1") -> None:
    def cell(value: Cell) -> str:
        if value is None or value == "":
            return "<Cell/>"
        if isinstance(value, str):
            return f'<Cell><Data ss:Type="String">{escape(value)}</Data></Cell>'
        if isinstance(value, dt.date):
            return f'<Cell><Data ss:Type="DateTime">{value.isoformat()}T00:00:00.000</Data></Cell>'
        return f'<Cell><Data ss:Type="Number">{value}</Data></Cell>'

    body = "".join("<Row>" + "".join(cell(v) for v in r) + "</Row>" for r in rows)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="{sheet}"><Table>{body}</Table></Worksheet></Workbook>',
        encoding="utf-8",
    )


def write_html(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """As Bitrix24 writes DEAL_*.xls: an HTML table in UTF-8."""
    lines = [
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>',
        "<table border=1>",
    ]
    for i, row in enumerate(rows):
        tag = "th" if i == 0 else "td"
        lines.append("<tr>" + "".join(f"<{tag}>{escape(c)}</{tag}>" for c in row) + "</tr>")
    lines += ["</table>", "</body></html>"]
    path.write_text("\n".join(lines), encoding="utf-8")
