"""Delimited text of any size: encoding and delimiter found from samples, rows read exactly, with their line numbers.

A byte sieve goes over blocks of the file with NumPy: lines whose fields count as expected and whose quotes, if any, are
well formed go in one piece to pyarrow's parser; all others (odd field counts, stray or open quotes, NUL bytes, lone
carriage returns) go line by line to Python's ``csv``. Both give text cells only. Why not one fast parser for all: after
one unclosed quote the fast ones lose count of lines or drop records.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from audit.errors import AmbiguityError, Answer, InputError, Text
from audit.intake.guard import guarded
from audit.intake.headers import match_header, normalise_header
from audit.intake.layout import HEAD_ROWS, Layout
from audit.intake.quoting import odd_quoting, rewrite, usual
from audit.intake.staging import Row, Staged, StageWriter
from audit.intake.store import Store
from audit.settings import Reading

__all__ = ["ENCODINGS", "DelimitedReader", "open_delimited", "sniff_encoding"]

ENCODINGS = ("utf-8", "cp1251", "cp866", "utf-16-le", "utf-16-be")
DELIMITERS = (";", "\t", ",", "|")
BLOCK_BYTES = 24 * 2**20
MAX_LINE_BYTES = 4 * 2**20
"""No line of an export is longer; a longer one is not a table."""
MAX_OPEN_LINES = 200
"""A quoted field may span this many lines; after that the quote counts as never closed."""
_HEAD_BYTES = 512 * 1024
_CODED = pa.dictionary(pa.int32(), pa.string())
_END = "\x1c"
_Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
_Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
_Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
_CONTROL = frozenset(range(32)) - {9, 10, 11, 12, 13, 26}

csv.field_size_limit(MAX_LINE_BYTES)

_COMMON = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъ"
_FREQUENCY = {c: len(_COMMON) - i for i, c in enumerate(_COMMON)}


def _score_russian(data: bytes, encoding: str) -> float:
    """How much the bytes read as Russian words in this encoding: common letters minus what never stands in words."""
    text = data.decode(encoding, "replace")
    score = 0.0
    seen = 0
    previous = " "
    for ch in text:
        if ch < "\x80":
            previous = ch
            continue
        seen += 1
        low = ch.lower()
        if low in _FREQUENCY:
            score += _FREQUENCY[low] / len(_COMMON)
            if ch != low and previous.isalpha() and previous.islower():
                score -= 1.0  # a capital letter inside a word
        elif ch in "№«»–—−\u00a0\u202fёЁ€°…“”„":
            score += 0.2
        else:
            score -= 1.0
        previous = ch
    return score / seen if seen else 0.0


def _whole_utf8(sample: bytes, at_end: bool) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(sample, final=at_end)
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(pieces: Sequence[bytes]) -> bool:
    """Whether most lines with letters are UTF-8: words of a one-byte code page hardly ever are, by chance.

    Such a file was glued together; its other lines are set aside as damaged.
    """
    lines = [line for p in pieces for line in p.split(b"\n")[:-1][:2000] if not line.isascii()]
    return len(lines) >= 3 and sum(_whole_utf8(line, at_end=True) for line in lines) > len(lines) / 2


class _OtherEncodingError(Exception):
    """A file that began as plain ASCII turns out to be in another encoding."""


def sniff_encoding(path: Path, name: str) -> tuple[str, int, bool]:
    """Return the encoding of a text file, the length of its byte order mark, and whether all samples were ASCII.

    A byte order mark decides; then every second byte zero means UTF-16; then UTF-8 if the samples (start, end and
    sixteen places between) are valid, or most of their lines; else windows-1251 or cp866, whichever reads more like Russian.
    Where another encoding reads better, it is asked.
    """
    size = path.stat().st_size
    with path.open("rb") as f:
        head = f.read(_HEAD_BYTES)
        for mark, encoding in (
            (codecs.BOM_UTF8, "utf-8"),
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
        ):
            if head.startswith(mark):
                return encoding, len(mark), False
        sample = head[:4096]
        if len(sample) >= 4 and sample.count(0) > len(sample) // 4:
            odd, even = sample[1::2].count(0), sample[0::2].count(0)
            return ("utf-16-le" if odd >= even else "utf-16-be"), 0, False
        pieces = [head]
        if size > len(head):
            for i in range(1, 17):
                f.seek(max(len(head), (size - 65536) * i // 16))
                piece = f.read(65536)
                cut = piece.find(b"\n")
                pieces.append(piece[cut + 1 :] if cut >= 0 else piece)
    if all(_whole_utf8(p, at_end=False) for p in pieces):
        return "utf-8", 0, all(p.isascii() for p in pieces)
    if _mostly_utf8(pieces):
        return "utf-8", 0, False
    return _one_byte_encoding(b"".join(_around_high_bytes(p) for p in pieces), name), 0, False


_USUAL, _RARE = ("cp1251", "cp866"), ("koi8-r", "mac-cyrillic", "iso8859-5", "cp855")
_WESTERN = ("cp1252", "cp1250", "cp1254", "mac-roman", "cp850", "cp852", "iso8859-2")
_CLEARLY = 0.08
"""By how much a rare encoding must read better than a usual one before it is asked."""
_MIXED = re.compile(r"(?<!\w)(?=\w*[A-Za-z])(?=\w*[Ѐ-ӿ])\w+")
_CYRILLIC = re.compile(r"(?<!\w)\w*[Ѐ-ӿ]\w*")


def _one_byte_encoding(letters: bytes, name: str) -> str:
    """Return the usual encoding that reads like Russian; ask where none does."""
    letters = letters[:60_000]
    scores = {e: _score_russian(letters, e) for e in (*_USUAL, *_RARE)}
    usual = max(_USUAL, key=lambda e: scores[e])
    rare = max(_RARE, key=lambda e: scores[e])
    text = letters.decode(usual, "replace")
    mixed, cyrillic = len(_MIXED.findall(text)), len(_CYRILLIC.findall(text))
    if mixed > cyrillic / 2:  # «Mьller»: Latin words with a letter of their own
        raise _ask_encoding(letters, _western(letters), name)
    if scores[rare] > scores[usual] + _CLEARLY:
        raise _ask_encoding(letters, (rare, usual), name)
    return usual


_WORDS = "äöüßéèàáâçñóíúêôëïîûùãõåæøœ"
_RARER = "łąęćńśźżščžřěůőűășțşğı"
"""Letters of western names, and those of Poland, Czechia, Hungary, Turkey."""


def _western(letters: bytes) -> tuple[str, ...]:
    """The encodings that read most like names, the best first; of those that read alike one."""
    scores: dict[str, tuple[float, str]] = {}
    for encoding in _WESTERN:
        text = letters.decode(encoding, "replace")
        score = 0.0
        for before, ch in zip(" " + text, text, strict=False):
            if ch >= "\x80":
                low = ch.lower()
                good = ch.isalpha() and not (ch != low and before.isalpha() and before == before.lower())
                score += (1.0 if low in _WORDS else 0.95 if low in _RARER else 0.5) if good else -1.0
        if text not in (t for _, t in scores.values()):
            scores[encoding] = score, text
    return tuple(sorted(scores, key=lambda e: -scores[e][0])[:3])


def _ask_encoding(letters: bytes, guesses: Sequence[str], name: str) -> AmbiguityError:
    def sample(encoding: str) -> str:
        words = re.findall(r"[^\W\d_][\w .\"«»-]{2,}", letters.decode(encoding, "replace"))
        shown = dict.fromkeys(w.strip()[:30] for w in words if not w.isascii())
        return ", ".join(list(shown)[:6])

    shown_ru = "; ".join(f"{e}: «{sample(e)}»" for e in guesses)
    shown_en = "; ".join(f"{e}: “{sample(e)}”" for e in guesses)
    lines = [f'[reading]\nencoding = "{e}"' for e in guesses]
    return AmbiguityError(
        Text(
            f"Кодировка файла неясна. Так читаются имена: {shown_ru}",
            f"The encoding is unclear. Names read so: {shown_en}",
        ),
        where=name,
        answer=lines[0],
        means=Text(f"верно читается «{sample(guesses[0])}»", f"“{sample(guesses[0])}” reads right"),
        others=tuple(
            Answer(Text(f"верно читается «{sample(e)}»", f"“{sample(e)}” reads right"), line)
            for e, line in zip(guesses[1:], lines[1:], strict=True)
        ),
        todo=Text(
            f'Выберите ту, где имена читаются, и добавьте в audit.toml, раздел [reading]: encoding = "{guesses[0]}"',
            f'Choose the one in which names can be read and add to audit.toml, section [reading]: encoding = "{guesses[0]}"',
        ),
    )


def _around_high_bytes(piece: bytes) -> bytes:
    lines = [line for line in piece.split(b"\n") if any(b >= 0x80 for b in line[:2000])]
    return b"\n".join(lines[:400])


def _looks_binary(head: bytes, encoding: str) -> bool:
    if encoding.startswith("utf-16"):
        text = head[: len(head) // 2 * 2].decode(encoding, "replace")
        strange = sum(1 for c in text[:4000] if c == "\ufffd" or (ord(c) < 32 and c not in "\t\r\n"))
        return strange > len(text[:4000]) * 0.02
    sample = head[:8192]
    strange = sum(1 for b in sample if b in _CONTROL)
    return strange > max(2, len(sample) * 0.01)


@dataclass
class DelimitedReader:
    """One delimited file, its encoding and delimiter known."""

    path: Path
    name: str
    encoding: str
    mark_bytes: int
    delimiter: str
    rows: list[Row]
    format: str = "csv"
    sheet: str | None = None
    merged: tuple[tuple[int, int, int, int], ...] = ()
    sha256: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    ascii_so_far: bool = False
    """The samples showed no letter that would tell the encoding."""
    sent: Path | None = None
    """The file as it was sent, where a copy in the usual quoting is read."""

    def head(self, rows: int = HEAD_ROWS + 80) -> list[Row]:
        """Return the first rows as text cells."""
        return self.rows if rows <= HEAD_ROWS + 80 else list(islice(self.every_row(), rows))

    def outline(self) -> Mapping[int, int]:
        """Return no outline: text files show levels by blanks at most."""
        return {}

    @guarded
    def every_row(self) -> Iterator[Row]:
        """Give all rows one by one, damaged characters replaced."""
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as f:
            if self.mark_bytes:
                f.read(1)
            reader = csv.reader((line.replace("\0", "") for line in f), delimiter=self.delimiter)
            before = 0
            try:
                for cells in reader:
                    yield before + 1, cells
                    before = reader.line_num
            except csv.Error as e:
                raise _line_too_long(self.name, reader.line_num + 1) from e
        self._take_digest()

    def _take_digest(self) -> None:
        with (self.sent or self.path).open("rb") as whole:
            self.sha256 = hashlib.file_digest(whole, "sha256").hexdigest()

    @guarded
    def stage(self, layout: Layout, keep: Sequence[tuple[str, int]], path: Path, store: Store) -> Staged:
        """Write the columns ``keep`` (field, column) of all rows after the header to ``path``."""
        try:
            with StageWriter(path, [f for f, _ in keep], store) as writer:
                _Sieve(self, layout, keep, writer).run()
        except _OtherEncodingError as other:
            self.encoding, self.ascii_so_far = str(other), False
            return self.stage(layout, keep, path, store)
        if self.sent is not None:
            self._take_digest()
        return writer.staged


def open_delimited(path: Path, name: str, reading: Reading, work: Path) -> DelimitedReader:
    """Find out how a text file is written; the settings' encoding and delimiter win over what is found.

    ``work`` is a folder for a copy in the usual quoting, where the file has one of its own.
    """
    encoding, delimiter, header_row = reading.encoding, reading.delimiter, reading.header_row
    if encoding is None:
        try:
            found, mark, ascii_so_far = sniff_encoding(path, name)
        except AmbiguityError:
            with path.open("rb") as f:
                if _looks_binary(f.read(_HEAD_BYTES), "ascii"):  # whose encoding is no question
                    raise _binary(name) from None
            raise
    else:
        found, mark, ascii_so_far = _canonical_encoding(encoding), _mark_bytes(path), False
    with path.open("rb") as f:
        f.seek(mark)
        head = f.read(_HEAD_BYTES)
        whole = len(head) < _HEAD_BYTES
    if _looks_binary(head, found):
        raise _binary(name)
    newline = b"\n" if not found.startswith("utf-16") else "\n".encode(found)
    if newline not in head and len(head) >= _HEAD_BYTES and b"\r" not in head:
        raise _line_too_long(name, 1)
    text = head.decode(found, "replace")
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    how = odd_quoting(text, DELIMITERS)
    if how is not None:
        delimiter = delimiter or _best_delimiter(
            text.replace("'", "") if how == "single quotes" else usual(text, how, ";")
        )
        copy = work / f"quoted_{len(list(work.iterdir()))}.csv"
        rewrite(path, found, mark, how, delimiter, copy)
        rows = _head_rows(usual(text, how, delimiter), delimiter)
        kind = "tsv" if delimiter == "\t" else "csv"
        return DelimitedReader(copy, name, "utf-8", 0, delimiter, rows, kind, sent=path)
    delimiter = delimiter or _best_delimiter("\n".join(text.split("\n")[max((header_row or 1) - 1, 0) :]))
    rows = _head_rows(text, delimiter)
    kind = "tsv" if delimiter == "\t" else "csv"
    return DelimitedReader(path, name, found, mark, delimiter, rows, kind, ascii_so_far=ascii_so_far)


def _binary(name: str) -> InputError:
    return InputError(
        Text("Это не таблица: в файле двоичные данные", "This is not a table: the file holds binary data"),
        where=name,
        todo=Text(
            "Дайте выгрузку в CSV, XLSX, XLS, ODS или Parquet", "Give the export as CSV, XLSX, XLS, ODS or Parquet"
        ),
    )


def _mark_bytes(path: Path) -> int:
    """Length of the byte order mark."""
    with path.open("rb") as f:
        start = f.read(3)
    return next((len(m) for m in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) if start.startswith(m)), 0)


def _canonical_encoding(name: str) -> str:
    try:
        found = codecs.lookup(name).name
    except LookupError as e:
        raise InputError(
            Text(f"Неизвестная кодировка «{name}»", f"Unknown encoding “{name}”"),
            where="audit.toml, [reading] encoding",
            todo=Text("Укажите utf-8, cp1251, cp866 или utf-16", "Give utf-8, cp1251, cp866 or utf-16"),
        ) from e
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(found, found)


def _line_too_long(name: str, line: int) -> InputError:
    limit = MAX_LINE_BYTES // 2**20
    return InputError(
        Text(f"Строка длиннее {limit} МБ: это не таблица", f"A line is longer than {limit} MB: this is not a table"),
        where=f"{name}:{line}",
        todo=Text(
            "Выгрузите данные заново: по строке на заказ или на позицию заказа",
            "Export the data again: one line per order or per order line",
        ),
    )


def _lines_with_numbers(text: str) -> Iterator[str]:
    yield from io.StringIO(text, newline="\n" if "\n" in text else None)


def _head_rows(text: str, delimiter: str) -> list[Row]:
    rows: list[Row] = []
    reader = csv.reader(_lines_with_numbers(text), delimiter=delimiter)
    before = 0
    try:
        for cells in reader:
            rows.append((before + 1, cells))
            before = reader.line_num
            if len(rows) >= HEAD_ROWS + 80:
                break
    except csv.Error:
        pass
    return rows


def _best_delimiter(text: str) -> str:
    """The delimiter under which most headers are recognised; ties go to the one that gives most rows of one width."""
    best = (-1.0, -1.0)
    choice = ";"
    first = "\n".join(text.split("\n")[:HEAD_ROWS])
    for delimiter in DELIMITERS:
        rows = _head_rows(first, delimiter)
        widths = Counter(len(c) for _, c in rows if any(c))
        known = max(
            (
                len({match_header(h).field for h in c if h.strip() and normalise_header(h)[0]} - {None})
                for _, c in rows[:60]
            ),
            default=0,
        )
        width, times = widths.most_common(1)[0] if widths else (0, 0)
        regular = times * min(width, 5) if width > 1 else 0
        if (known, regular) > best:
            best, choice = (known, regular), delimiter
    return choice


class _Sieve:
    """Goes over the file once and writes every row after the header to the stage."""

    def __init__(
        self, reader: DelimitedReader, layout: Layout, keep: Sequence[tuple[str, int]], writer: StageWriter
    ) -> None:
        self.reader = reader
        self.layout = layout
        self.width = max(len(layout.headers), 1)
        self.keep = keep
        self.writer = writer
        self.indices = sorted({i for _, i in keep})
        self.delimiter = ord(reader.delimiter)
        self.fast_width = _usual_width(reader.rows, layout, self.width)
        """Fields of nearly every line: a blank one more, or blank ones at the end left out, is no damage."""
        self.names = [f"c{i}" for i in range(self.fast_width)]
        self.fast = [i for i in self.indices if i < self.fast_width]
        coded = {i: all(writer.takes_codes(f) for f, at in keep if at == i) for i in self.indices}
        self.types = {self.names[i]: _CODED if coded[i] else pa.string() for i in self.fast}
        self.digest = hashlib.sha256()
        self.open: list[tuple[int, str]] = []
        """Lines of a record whose quote is still open, with their numbers."""
        self.pending: list[tuple[int, str | None, str | None, list[str | None]]] = []
        """Rows read one by one, not yet handed to the writer."""
        self.ending = False
        self.clean = True
        """No block so far held anything but regular lines."""
        self.line = 1
        """Number of the first line of the next block."""
        self.blank: list[int] = []
        """Blank lines not yet written: those at the very end are not rows."""

    def run(self) -> None:
        for block in self._blocks():
            self.line += self._block(block, self.line)
        self.ending = True
        self._give_up_open()
        self.blank.clear()
        self._flush()
        self.reader.sha256 = self.digest.hexdigest()

    def _blocks(self) -> Iterator[bytes]:
        """Yield UTF-8 blocks that end at a line end (the last one gets one)."""
        decoder = None
        if self.reader.encoding != "utf-8":
            decoder = codecs.getincrementaldecoder(self.reader.encoding)("replace")
        carry = b""
        lone_returns: bool | None = None
        with self.reader.path.open("rb") as f:
            self.digest.update(f.read(self.reader.mark_bytes))
            while True:
                data = f.read(BLOCK_BYTES)
                self.digest.update(data)
                if decoder is not None:
                    text = decoder.decode(data, final=not data)
                    piece = text.encode("utf-8", "replace")
                else:
                    piece = data
                if lone_returns is None and piece:
                    lone_returns = b"\n" not in piece and b"\r" in piece
                if lone_returns:
                    piece = piece.replace(b"\r", b"\n")
                if not data:
                    carry += piece
                    break
                cut = piece.rfind(b"\n")
                if cut < 0:
                    carry += piece
                    if len(carry) > MAX_LINE_BYTES:
                        raise _line_too_long(self.reader.name, self.line)
                    continue
                whole = carry + piece[: cut + 1] if carry else piece[: cut + 1]
                carry = piece[cut + 1 :]
                if len(carry) > MAX_LINE_BYTES:
                    raise _line_too_long(self.reader.name, self.line + whole.count(b"\n"))
                yield whole
        if carry:
            yield carry + b"\n"

    def _block(self, block: bytes, first_line: int) -> int:
        """Stage one block; return its number of lines."""
        if self.clean and first_line >= self.layout.first_row and not self.open:
            n = self._clean_block(block, first_line)
            if n:
                return n
            self.clean = False  # one odd line is seldom alone
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == 10)
        n = len(ends)
        skip = min(max(self.layout.first_row - first_line, 0), n)
        if skip == n:
            return n
        begin = int(ends[skip - 1]) + 1 if skip else 0
        data = data[begin:]
        ends = ends[skip:] - begin
        view = memoryview(block)[begin:]
        starts = np.empty_like(ends)
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
        if int((ends - starts).max()) > MAX_LINE_BYTES:
            raise _line_too_long(self.reader.name, first_line + skip + int((ends - starts).argmax()))
        odd, quoted = self._odd_lines(block, data, starts, ends)
        numbers = np.arange(first_line + skip, first_line + n, dtype=np.int64)
        if not odd.any() and not self.open:
            self._flush()
            self._fast(view, numbers, quoted)
            return n
        self._mixed(view, starts, ends, numbers, odd, quoted)
        return n

    def _clean_block(self, block: bytes, first_line: int) -> int:
        """Give a block without quotes to the parser unsieved; return its number of lines, 0 where it is not clean.

        Without quotes every line is a record, and the parser refuses a line of another width itself.
        """
        if self.fast_width == 1 or b'"' in block or b"\0" in block or block.count(b"\r") != block.count(b"\r\n"):
            return 0
        step = MAX_LINE_BYTES // 2  # a line above the limit covers a whole step
        if any(block.find(b"\n", at, at + step) < 0 for at in range(0, len(block) - step, step)):
            return 0
        n = block.count(b"\n")
        try:
            table = self._parse(block, quoted=False)
        except pa.ArrowInvalid:
            return 0
        if table.num_rows != n:
            return 0
        if self.blank:
            self._flush_blank()
        self._flush()
        self._write(pa.array(np.arange(first_line, first_line + n, dtype=np.int64)), table)
        return n

    def _odd_lines(self, block: bytes, data: _Bytes, starts: _Ints, ends: _Ints) -> tuple[_Bools, bool]:
        """Mark lines that the fast parser must not see; tell whether any well-formed quotes are in the rest."""
        # Searching the bytes for a rare mark is many times cheaper than an array of where it stands.
        places = np.flatnonzero(data == self.delimiter)
        quotes = np.flatnonzero(data == 34) if b'"' in block else np.zeros(0, np.int64)
        odd = np.zeros(len(ends), bool)
        quoted = False
        if len(quotes):
            quote_line = np.searchsorted(ends, quotes)
            left = data[np.maximum(quotes - 1, 0)]
            at_field = (quotes == starts[quote_line]) | (left == self.delimiter)
            # Where no field begins with a quote («ООО "Ромашка"» unquoted), quotes are letters like any other.
            special = np.zeros(len(ends), bool)
            special[quote_line[at_field]] = True
            kept = special[quote_line]
            quotes, quote_line, left, at_field = quotes[kept], quote_line[kept], left[kept], at_field[kept]
        if len(quotes):
            per_line = np.bincount(quote_line, minlength=len(ends))
            before = np.cumsum(per_line) - per_line
            order = np.arange(len(quotes)) - before[quote_line]
            right = data[np.minimum(quotes + 1, len(data) - 1)]
            good = np.where(
                order % 2 == 0,
                at_field | (left == 34),
                (right == self.delimiter) | (right == 10) | (right == 13) | (right == 34),
            )
            odd[quote_line[~good]] = True
            odd |= per_line % 2 == 1
            quoted = True
            if len(places):
                # Inside quotes a delimiter is text: those after an odd number of quotes of their line do not count.
                quotes_before = np.searchsorted(quotes, places)
                line_of = np.searchsorted(ends, places)
                inside = (quotes_before - before[line_of]) % 2 == 1
                places = places[~inside]
        found = np.searchsorted(places, ends)
        counts = np.diff(found, prepend=0)
        odd |= counts != self.fast_width - 1
        if block.count(b"\r") != block.count(b"\r\n"):
            at = np.flatnonzero(data == 13)
            lone = at[data[np.minimum(at + 1, len(data) - 1)] != 10]
            odd[np.searchsorted(ends, lone)] = True
        if self.fast_width == 1:
            odd |= ends == starts
        if b"\0" in block:
            odd[np.searchsorted(ends, np.flatnonzero(data == 0))] = True
        return odd, quoted

    def _parse(self, data: memoryview | bytes, quoted: bool) -> pa.Table:
        return pacsv.read_csv(
            pa.py_buffer(data),
            read_options=pacsv.ReadOptions(column_names=self.names, block_size=4 * 2**20),
            parse_options=pacsv.ParseOptions(
                delimiter=self.reader.delimiter,
                quote_char='"' if quoted else False,
                double_quote=True,
                newlines_in_values=False,
                ignore_empty_lines=False,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=self.types,
                include_columns=[self.names[i] for i in self.fast],
                strings_can_be_null=False,
                check_utf8=True,
            ),
        )

    def _fast(self, data: memoryview | bytes, numbers: _Ints, quoted: bool) -> None:
        if self.blank:
            self._flush_blank()
            self._flush()
        try:
            table = self._parse(data, quoted)
        except pa.ArrowInvalid:
            self._slow_block(bytes(data), numbers)
            return
        assert table.num_rows == len(numbers), (table.num_rows, len(numbers))
        self._write(pa.array(numbers), table)

    def _write(self, numbers: pa.Array, table: pa.Table) -> None:
        columns = {i: table.column(at) for at, i in enumerate(self.fast)}
        nulls = pa.nulls(table.num_rows, pa.string())
        self.writer.batch(numbers, [columns.get(i, nulls) for _, i in self.keep])

    def _slow_block(self, data: bytes, numbers: _Ints) -> None:
        """A block with damaged characters: sort the damaged lines out one by one."""
        good: list[bytes] = []
        good_numbers: list[int] = []
        damaged: list[tuple[int, str]] = []
        for number, line in zip(numbers.tolist(), data.split(b"\n"), strict=False):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                damaged.append((number, line.decode("utf-8", "replace")))
                continue
            good.append(line)
            good_numbers.append(number)
        if damaged and self.reader.ascii_so_far and all(line.isascii() for line in good):
            raise _OtherEncodingError(_one_byte_encoding(_around_high_bytes(data), self.reader.name))
        if not damaged:
            raise AssertionError("the fast parser refused a block that has no damaged characters")
        if good:
            table = self._parse(b"\n".join(good) + b"\n", True)
            assert table.num_rows == len(good), (table.num_rows, len(good))
            self._write(pa.array(good_numbers, pa.int64()), table)
        for number, text in damaged:
            self._problem(number, "bad_bytes", text)
        self._flush()

    def _mixed(self, view: memoryview, starts: _Ints, ends: _Ints, numbers: _Ints, odd: _Bools, quoted: bool) -> None:
        """Alternate between runs of regular lines and single odd ones, in the order of the file."""
        at = 0
        n = len(ends)
        turns = np.flatnonzero(odd)
        turn = 0
        while at < n:
            if self.open or odd[at]:
                self._odd_line(int(numbers[at]), bytes(view[starts[at] : ends[at]]))
                at += 1
                continue
            while turn < len(turns) and turns[turn] < at:
                turn += 1
            stop = int(turns[turn]) if turn < len(turns) else n
            if stop - at < 32:
                # A short run between odd lines is cheaper line by line than as a batch of its own.
                for i in range(at, stop):
                    self._odd_line(int(numbers[i]), bytes(view[starts[i] : ends[i]]))
            else:
                self._flush()
                self._fast(view[starts[at] : ends[stop - 1] + 1], numbers[at:stop], quoted)
            at = stop
        self._flush()

    def _odd_line(self, number: int, line: bytes) -> None:
        """One line through ``csv``; it may open a record that the next lines go on with."""
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text and not self.open:
            self._problem(number, "bad_bytes", line.replace(b"\0", b"").decode("utf-8", "replace"))
            return
        self.open.append((number, text))
        rows = _records([t for _, t in self.open], self.reader.delimiter)
        if rows is None:  # the quote is still open
            if len(self.open) >= MAX_OPEN_LINES or sum(len(t) for _, t in self.open) > 256 * 1024:
                self._give_up_open()
            return
        lines = self.open
        self.open = []
        if any("\0" in t for _, t in lines):
            for n, t in lines:
                self._problem(n, "bad_bytes", t.replace("\0", ""))
            return
        for row in rows:
            self._row(lines[0][0], row)

    def _give_up_open(self) -> None:
        """The first of the open lines has a quote that never closes: set it aside and read the others afresh."""
        while self.open:
            lines = self.open
            self.open = []
            self._problem(lines[0][0], "unclosed_quote", lines[0][1].replace("\0", ""))
            for number, text in lines[1:]:
                self._odd_line(number, text.encode("utf-8"))
            if len(self.open) < MAX_OPEN_LINES and not self.ending:
                return

    def _row(self, number: int, cells: list[str]) -> None:
        if not any(c.strip() for c in cells):
            self.blank.append(number)
            return
        if len(cells) > self.width and any(c.strip() for c in cells[self.width :]):
            self._problem(number, "field_count", self.reader.delimiter.join(cells))
            return
        if len(cells) < self.width:
            self.reader.counts["short_rows"] += 1
        self._flush_blank()
        self.pending.append((number, None, None, [cells[i] if i < len(cells) else "" for _, i in self.keep]))

    def _problem(self, number: int, code: str, raw: str) -> None:
        self._flush_blank()
        self.reader.counts[code] += 1
        self.pending.append((number, code, raw[:300], [None] * len(self.keep)))

    def _flush_blank(self) -> None:
        if self.blank:
            empty: list[str | None] = [None] * len(self.keep)
            self.pending.extend((number, "blank_row", None, empty) for number in self.blank)
            self.blank.clear()

    def _flush(self) -> None:
        if self.pending:
            self.writer.lists(self.pending)
            self.pending = []


def _usual_width(rows: Sequence[Row], layout: Layout, width: int) -> int:
    """Number of fields of most lines after the header, where it differs from the header by blank fields only."""
    body = [cells for number, cells in rows if number >= layout.first_row and any(cells)]
    if not body:
        return width
    usual, times = Counter(len(cells) for cells in body).most_common(1)[0]
    if times <= len(body) / 2 or usual < 1 or (width > 1 and usual == 1):
        return width
    return usual if usual < width or not any(c.strip() for cells in body for c in cells[width:]) else width


def _records(lines: Sequence[str], delimiter: str) -> list[list[str]] | None:
    """Parse lines that make whole records; None while a quoted field is still open."""

    def feed() -> Iterator[str]:
        yield from (line.rstrip("\r").replace("\r", " ") + "\n" for line in lines)
        yield _END  # a record of its own, unless a quote is still open

    rows = list(csv.reader(feed(), delimiter=delimiter))
    if rows and rows[-1] == [_END]:
        return rows[:-1]
    return None
