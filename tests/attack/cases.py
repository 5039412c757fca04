"""Files and settings that a client might send, or an enemy: tables in every format, questionnaires, settings, damaged or whole."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import re
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from audit.method import method
from audit.model.questionnaire import TABLES
from audit.resources import resource_dir
from audit.settings import CANONICAL_FIELDS, Settings
from tests.intake.dialects.disguises import write_xlsx
from tests.intake.dialects.oldformats import write_html, write_ods, write_xls, write_xml2003

__all__ = ["KINDS", "Case", "Truth", "cases"]


@dataclass(frozen=True)
class Truth:
    """What a clean table must give."""

    rows: int
    revenue: Decimal


@dataclass(frozen=True)
class Case:
    """Files by name; what they are asked for; ``twin`` holds the same orders in another shape."""

    kind: str
    files: dict[str, bytes]
    settings: bytes = b""
    truth: Truth | None = None
    twin: dict[str, bytes] = field(default_factory=dict)
    relation: str = ""


KINDS = ("clean", "delimited", "workbook", "parquet", "grid", "archive", "questionnaire", "settings")
HEADERS = ("Номер", "Дата", "Контрагент", "Сумма", "Менеджер", "Комментарий")
CLIENTS = ("ООО «Ромашка»", "АО Вектор", "ИП Сидоров А.А.", "Полюс", "Acme GmbH", "ТОО Алатау", "Ёлка & Ко")
PEOPLE = ("Иванов И.И.", "Петрова Анна", "Администратор", "")
HOSTILE = (
    "",
    " ",
    "\u00a0",
    "-",
    "—",
    "0",
    "-0",
    "1e400",
    "9" * 400,
    "1" + " " * 3000,
    "x" * 33_000,
    "=1+1",
    "@SUM(1)",
    "+7 495",
    "1;=2+5",
    "NaN",
    "inf",
    "#DIV/0!",
    "00.00.0000",
    "31.02.2024",
    "01.01.0001",
    "31.12.9999",
    "2024-01-01T00:00:00+99:99",
    "45000",
    "1.234.567",
    "1,234.5",
    "1 234,5",
    "(100)",
    "100-",
    "100 руб.",
    "$5",
    "5 $ 5",
    "тыс. руб.",
    "Итого",
    "Итого по: Иванов",
    "Всего за март",
    "*****",
    "Страница 1 из 9",
    "</script><b>",
    "{{ 7*7 }}",
    "%s%d",
    "\\",
    "'",
    '"',
    '"=1"',
    "a\nb",
    "a\r\nb",
    "a\tb",
    "\ufeff",
    "\u202e",
    "\u0000",
    "\x1c",
    "\ud7ff",
    "😀",
    "e\u0301",
    "İi",
    "ſ",
    "ﬁ",
    "№ 5 от 01.01.2024",
    "Заказ №1 от 1.1.24",
    "да",
    "нет",
    "null",
    "None",
    "[]",
    "{}",
    '=HYPERLINK("http://x")',
    "TRUE",
    "1/3",
    "½",
    "²",
    "٣",
    "１２３",
    "1_000",
    "0x10",
    "1e5",
    "1E-5",
    "--5",
    "5--",
    "+-5",
    ".",
    ",",
    "..5",
)


@dataclass(frozen=True)
class Order:
    number: str
    day: dt.date
    client: str
    amount: Decimal
    person: str


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    """Orders with numbers of their own, and sums that neither repeat nor, but by a wonder, add up to one another."""
    n = draw(st.integers(2, 40))
    rng = random.Random(draw(st.integers(0, 2**32)))
    cents = rng.sample(range(10_007, 9_999_991), n)
    first = dt.date(2023, 1, 1)
    return [
        Order(
            f"З-{1000 + i}",
            first + dt.timedelta(days=rng.randrange(1000)),
            rng.choice(CLIENTS),
            Decimal(c).scaleb(-2),
            rng.choice(PEOPLE),
        )
        for i, c in enumerate(cents)
    ]


def texts(found: list[Order], dotted: bool, comma: bool) -> list[list[str]]:
    """Orders as cells of text."""
    return [
        [
            o.number,
            f"{o.day:%d.%m.%Y}" if dotted else o.day.isoformat(),
            o.client,
            str(o.amount).replace(".", ",") if comma else str(o.amount),
            o.person,
            "",
        ]
        for o in found
    ]


def delimited(rows: list[list[str]], delimiter: str = ";", encoding: str = "utf-8", newline: str = "\r\n") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return out.getvalue().encode(encoding, "replace")


def written(write: Callable[[Path], object], suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"w{suffix}"
        write(path)
        return path.read_bytes()


def xlsx(found: list[Order]) -> bytes:
    table = [list(HEADERS), *([o.number, o.day, o.client, float(o.amount), o.person, None] for o in found)]
    return written(lambda p: write_xlsx(p, {"Заказы": table}), ".xlsx")


def parquet(found: list[Order]) -> bytes:
    columns = {
        "Номер": [o.number for o in found],
        "Дата": [o.day for o in found],
        "Контрагент": [o.client for o in found],
        "Сумма": [float(o.amount) for o in found],
        "Менеджер": [o.person for o in found],
    }
    return written(lambda p: pq.write_table(pa.table(columns), p), ".parquet")


RELATIONS = ("none", "order", "split", "empty column", "encoding", "delimiter", "xlsx", "parquet", "columns")


@st.composite
def clean(draw: st.DrawFn) -> Case:
    """A clean table, and the same orders in another shape."""
    found = draw(orders())
    dotted, comma = draw(st.booleans()), draw(st.booleans())
    rows = texts(found, dotted, comma)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1251", "utf-16"]))
    delimiter = draw(st.sampled_from([";", "\t", "|"] if comma else [";", "\t", "|", ","]))
    head = list(HEADERS)
    files = {"o.csv": delimited([head, *rows], delimiter, encoding, draw(st.sampled_from(["\r\n", "\n"])))}
    relation = draw(st.sampled_from(RELATIONS))
    twin: dict[str, bytes] = {}
    if relation == "order":
        twin = {"o.csv": delimited([head, *draw(st.permutations(rows))])}
    elif relation == "split":
        cut = draw(st.integers(1, len(rows) - 1))
        twin = {"a.csv": delimited([head, *rows[:cut]]), "b.csv": delimited([head, *rows[cut:]])}
    elif relation == "empty column":
        at = draw(st.integers(0, len(head)))
        twin = {
            "o.csv": delimited(
                [[*r[:at], e, *r[at:]] for r, e in zip([head, *rows], ["Примечание", *[""] * len(rows)], strict=True)]
            )
        }
    elif relation == "encoding":
        twin = {"o.csv": delimited([head, *rows], encoding=draw(st.sampled_from(["cp1251", "utf-16", "utf-8-sig"])))}
    elif relation == "delimiter":
        twin = {"o.csv": delimited([head, *rows], "\t", newline="\n")}
    elif relation == "xlsx":
        twin = {"o.xlsx": xlsx(found)}
    elif relation == "parquet":
        twin = {"o.parquet": parquet(found)}
    elif relation == "columns":
        order = draw(st.permutations(range(len(head))))
        twin = {"o.csv": delimited([[r[i] for i in order] for r in (head, *rows)])}
    return Case(
        "clean",
        files,
        truth=Truth(len(found), sum((o.amount for o in found), Decimal(0))),
        twin=twin,
        relation=relation,
    )


@st.composite
def soiled(draw: st.DrawFn) -> list[list[str]]:
    """Rows of text with hostile cells, ragged lines, preambles, totals, repeated and blank rows."""
    found = draw(orders())
    rows = [list(HEADERS), *texts(found, draw(st.booleans()), draw(st.booleans()))]
    rng = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(0, 12))):
        at = rng.randrange(len(rows)) if rng.random() < 0.2 else rng.randrange(1, len(rows))
        if not rows[at]:
            continue
        what = rng.random()
        if what < 0.7:
            rows[at][rng.randrange(len(rows[at]))] = rng.choice(HOSTILE)
        elif what < 0.75:
            del rows[at][rng.randrange(len(rows[at])) :]
        elif what < 0.8:
            rows[at].extend(rng.choices(HOSTILE, k=rng.randint(1, 5)))
        elif what < 0.85:
            rows.insert(at, list(rows[at]))
        elif what < 0.9:
            rows.insert(at, [""] * rng.randint(0, 7))
        elif what < 0.95:
            rows.insert(
                at, [rng.choice(("Итого", "Всего по", "Отчёт за 2024 год", *HOSTILE)), "", "", str(rng.random() * 1e6)]
            )
        else:
            rows.insert(0, [rng.choice(HOSTILE)])
    return rows


def damaged(body: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut, repeated or swapped."""
    out = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        if not out:
            break
        at = rng.randrange(len(out))
        what = rng.random()
        if what < 0.6:
            out[at] = rng.randrange(256)
        elif what < 0.75:
            del out[at : at + rng.randint(1, 64)]
        elif what < 0.9:
            out[at:at] = out[at : at + rng.randint(1, 64)]
        elif what < 0.95:
            del out[at:]
        else:
            out[at:at] = bytes(rng.choices(range(256), k=rng.randint(1, 300)))
    return bytes(out)


_VALUES = re.compile(rb'="([^"]*)"')
_ODD = (
    b"",
    b"0",
    b"-1",
    b"1048576",
    b"XFD1048576",
    b"A0",
    b"9" * 30,
    b"\xd9\xa3",
    b"&#88;",
    b"&bad;",
    b"s",
    b"n",
    b"str",
    b"e",
    b"d",
    b"\0",
)


def torn(markup: bytes, rng: random.Random) -> bytes:
    """Markup with attributes changed, tags dropped or repeated."""
    for _ in range(rng.choice((1, 1, 3, 10))):
        tags = [m.span() for m in re.finditer(rb"<[^<>]{1,200}>", markup)][:5000]
        if not tags:
            break
        a, b = rng.choice(tags)
        tag = markup[a:b]
        what = rng.random()
        if what < 0.5 and _VALUES.search(tag):
            spot = rng.choice(list(_VALUES.finditer(tag)))
            tag = tag[: spot.start(1)] + rng.choice(_ODD) + tag[spot.end(1) :]
        elif what < 0.7:
            tag = b""
        elif what < 0.85:
            tag = tag * 2
        else:
            tag = tag.replace(b'"', b"'")
        markup = markup[:a] + tag + markup[b:]
    return markup


def torn_package(body: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        parts = {n: z.read(n) for n in z.namelist()}
    for name in rng.sample(sorted(parts), min(len(parts), rng.choice((1, 1, 2, 5)))):
        if rng.random() < 0.1:
            del parts[name]
        else:
            parts[name] = torn(parts[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, part in parts.items():
            z.writestr(name, part)
    return out.getvalue()


def _legal(text: str) -> str:
    """Text that a workbook may hold."""
    return re.sub("[\0-\x08\x0b\x0c\x0e-\x1f]", "", text)[:32_767]


def _cell(text: str, rng: random.Random) -> Any:
    if rng.random() < 0.5:
        try:
            return float(text.replace(",", ".")) if abs(float(text.replace(",", "."))) < 1e300 else text
        except ValueError:
            return _legal(text)
    return _legal(text)


@st.composite
def attacks(draw: st.DrawFn, kind: str) -> Case:
    rng = random.Random(draw(st.integers(0, 2**32)))
    rows = draw(soiled())
    whole = draw(st.booleans())
    if kind == "delimited":
        encoding = rng.choice(("utf-8", "utf-8-sig", "cp1251", "cp866", "utf-16", "koi8-r"))
        body = delimited(rows, rng.choice(";;\t,|"), encoding, rng.choice(("\r\n", "\n", "\r")))
        files = {f"o.{rng.choice(('csv', 'txt', 'tsv'))}": body if whole else damaged(body, rng)}
    elif kind == "workbook":
        cells = [[_cell(c, rng) for c in row] for row in rows]
        made = {
            ".xlsx": lambda p: write_xlsx(p, {f"Лист{i}": cells[i * 3 :] for i in range(rng.choice((1, 1, 1, 3)))}),
            ".xls": lambda p: write_xls(p, [[c if not isinstance(c, str) else c[:200] for c in row] for row in cells]),
            ".ods": lambda p: write_ods(p, cells),
        }
        suffix = rng.choice(sorted(made))
        body = written(made[suffix], suffix)
        if not whole:
            body = torn_package(body, rng) if suffix != ".xls" and rng.random() < 0.7 else damaged(body, rng)
        files = {f"o{suffix}": body}
    elif kind == "grid":
        body = (
            written(lambda p: write_html(p, [[_legal(c) for c in r] for r in rows]), ".xls")
            if rng.random() < 0.5
            else written(lambda p: write_xml2003(p, [[_legal(c) for c in r] for r in rows]), ".xls")
        )
        files = {"o.xls": body if whole else torn(body, rng) if rng.random() < 0.7 else damaged(body, rng)}
    elif kind == "parquet":
        files = {"o.parquet": _parquet(rows, rng) if whole else damaged(_parquet(rows, rng), rng)}
    else:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2))) as z:
            for i in range(rng.randint(1, 4)):
                z.writestr(
                    rng.choice((f"o{i}.csv", f"../{i}.csv", f"папка/{i}.csv", f"{i}", "a" * 240 + f"{i}.csv")),
                    delimited(rows),
                )
        files = {"o.zip": out.getvalue() if whole else damaged(out.getvalue(), rng)}
    return Case(kind, files, _line(rng) if rng.random() < 0.2 else b"")


def _parquet(rows: list[list[str]], rng: random.Random) -> bytes:
    body = [(r + [""] * 6)[:6] for r in rows[1:]]
    names = list(HEADERS)
    columns: list[pa.Array] = [pa.array([r[i].replace("\ud7ff", "") for r in body], pa.string()) for i in range(6)]
    for i in range(6):
        kind = rng.random() * 4
        n = len(body)
        if kind < 0.1:
            columns[i] = pa.array(
                [rng.choice((1.5, float("nan"), float("inf"), -1e300, None)) for _ in range(n)], pa.float64()
            )
        elif kind < 0.2:
            columns[i] = pa.array([rng.choice((None, -(2**63), 2**62, 0)) for _ in range(n)], pa.int64())
        elif kind < 0.3:
            columns[i] = pa.array(
                [rng.choice((None, 0, 2**40, -(2**40))) for _ in range(n)], pa.timestamp(rng.choice(("s", "ms")))
            )
        elif kind < 0.35:
            columns[i] = pa.array([[1]] * n, pa.list_(pa.int8()))
        elif kind < 0.4:
            columns[i] = columns[i].dictionary_encode()
        elif kind < 0.45:
            columns[i] = pa.array([Decimal("1e20")] * n, pa.decimal128(38, 4))
        elif kind < 0.5:
            columns[i] = pa.array([b"\xff"] * n, pa.binary())
        elif kind < 0.55:
            columns[i] = pa.array([rng.choice((None, 0, 2_900_000, -700_000)) for _ in range(n)], pa.date32())
    if rng.random() < 0.15:
        names[rng.randrange(6)] = rng.choice(names)
    if rng.random() < 0.1:
        names[rng.randrange(6)] = rng.choice(HOSTILE)
    table = pa.Table.from_arrays(columns, names=names)
    return written(lambda p: pq.write_table(table, p, compression=rng.choice(("snappy", "zstd", "none"))), ".parquet")


@st.composite
def questionnaires(draw: st.DrawFn) -> Case:
    """The sample's questionnaire with hostile cells, as a folder or a workbook."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    folder = resource_dir("data_samples") / "khimsnab" / "questionnaire"
    tables: dict[str, list[list[str]]] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as f:
            text = f.read()
        table = list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text.split("\n")[0] else ","))
        tables[path.stem] = table if path.stem == "time" else table[:60]
    for _ in range(draw(st.integers(0, 8))):
        table = tables[rng.choice(sorted(tables))]
        row = rng.choice(table)
        if row:
            row[rng.randrange(len(row))] = rng.choice(HOSTILE)
        if rng.random() < 0.1:
            table.append(list(rng.choice(table)))
        if rng.random() < 0.05:
            table.insert(0, [])
    if draw(st.booleans()):
        files = {f"q/{n}.csv": delimited(t, rng.choice(";,")) for n, t in tables.items()}
        if rng.random() < 0.3:
            name = rng.choice(sorted(files))
            files[name] = damaged(files[name], rng)
        return Case("questionnaire", files)
    sheets = {TABLES[n].ru: [[_cell(c, rng) for c in row] for row in t] for n, t in tables.items()}
    body = written(lambda p: write_xlsx(p, sheets), ".xlsx")
    if rng.random() < 0.5:
        body = torn_package(body, rng) if rng.random() < 0.7 else damaged(body, rng)
    return Case("questionnaire", {"q.xlsx": body})


_WRONG = (
    '"x"',
    '""',
    "0",
    "-1",
    "1",
    "1e400",
    "nan",
    "-inf",
    "true",
    "[]",
    "[1]",
    '["a"]',
    '[""]',
    "{}",
    "{ a = 1 }",
    "0001-01-01",
    "9999-12-31",
    "2024-02-30",
    "2024-01-01",
    '"01.02.2024"',
    '"utf-8"',
    '"hex"',
    '";"',
    '";;"',
    '"[a"',
    '"**"',
    '"../../x"',
    '"\\u0000"',
    "99999999999999999999",
    '"Сумма"',
    '["*"]',
    '"spark://x"',
    '"=1"',
    "12:00:00",
    '"😀"',
    "[[1]]",
    "{ found = 1, watch = 2 }",
    "0.5",
)


_APT = {
    "date": ("2023-06-01", "2024-12-31", "1970-01-01", "2099-12-31", "2024-02-29"),
    "bool": ("true", "false"),
    "int": ("0", "1", "7", "30", "365", "3650", "100000"),
    "float": ("0.0", "0.5", "1.0", "1e9", "0.000001"),
    "tuple": ("[]", '["*"]', '["o.csv"]', '["o*"]', '["[!a]*"]', '["Итого", "x"]', '["**/*"]'),
    "str": (
        '"Сумма"',
        '"Комментарий"',
        '"cp1251"',
        '"utf-8"',
        '"utf-16"',
        '";"',
        '"\\t"',
        '","',
        '"."',
        '"RUB"',
        '"ru"',
        '"dd.mm.yyyy"',
        '"gross"',
    ),
}
"""Values that a key of this type may take: what comes after is read with them."""


def _line(rng: random.Random) -> bytes:
    section = rng.choice(sorted(Settings.model_fields))
    fields = getattr(Settings.model_fields[section].annotation, "model_fields", {})
    known = sorted(fields) or (sorted(CANONICAL_FIELDS) if section == "columns" else sorted(method().thresholds))
    key = rng.choice(known) if rng.random() < 0.95 else rng.choice(("нет", "a.b", "x"))
    shape = str(fields[key].annotation) if key in fields else "str"
    apt = [v for name, values in _APT.items() if name in shape for v in values]
    value = rng.choice(apt) if apt and rng.random() < 0.93 else rng.choice(_WRONG)
    return f"[{section}]\n{json.dumps(key, ensure_ascii=False)} = {value}\n".encode()


@st.composite
def settings_files(draw: st.DrawFn) -> Case:
    """Settings whose keys are those of the kit and whose values are anything, beside clean orders."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    lines: dict[str, bytes] = {}
    for _ in range(draw(st.integers(1, 4))):
        line = _line(rng)
        head, _, rest = line.partition(b"\n")
        lines[head.decode()] = lines.get(head.decode(), b"") + rest
    body = b"".join(h.encode() + b"\n" + r for h, r in lines.items())
    if rng.random() < 0.2:
        body = damaged(body, rng)
    rows = [list(HEADERS), *texts(draw(orders()), True, True)]
    return Case("settings", {"o.csv": delimited(rows)}, body)


def cases() -> st.SearchStrategy[Case]:
    """Every kind of case, the frequent formats more often."""
    tables = [attacks(k) for k in ("delimited", "delimited", "workbook", "workbook", "parquet", "grid", "archive")]
    return st.one_of(clean(), clean(), *tables, questionnaires(), settings_files())
