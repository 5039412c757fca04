"""How fast orders come in: this kit's intake beside plain pandas and plain Polars readers of the same files.

    python -m benchmarks.intake [--lines 10000000] [--xlsx-lines 1000000] [--folder DIR] [--only utf8,1c,xlsx]

Makes the files once (seeded), then runs every reader in a process of its own and prints wall seconds, CPU seconds and
peak memory. The plain readers do what a careful analyst would type: parse dates, make numbers, write Parquet. They give
no exact rejects, no codes, no keys. Needs the extra ``bench`` (polars) and a system with ``resource`` (not Windows).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK = 500_000
PEOPLE = 40
CLIENTS = 20_000
ITEMS = 5_000


def _columns(first: int, n: int, total: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    line = np.arange(first, first + n)
    order = line // 4
    day = (order.astype(np.int64) * 1460 // max(total // 4, 1)).astype("timedelta64[D]") + np.datetime64("2022-01-01")
    per_order = np.random.default_rng(order[0]).integers(0, 2**31, size=order[-1] - order[0] + 1)[order - order[0]]
    return {
        "order": order,
        "day": day,
        "second": per_order % 86_400,
        "client": per_order % CLIENTS,
        "manager": per_order % PEOPLE,
        "author": (per_order // 7) % PEOPLE,
        "status": (per_order // 11) % 20,
        "item": rng.integers(0, ITEMS, n),
        "qty": rng.integers(1, 50, n),
        "kopecks": rng.integers(1_000, 50_000_000, n),
        "margin": rng.integers(60, 95, n),
    }


def _inn(i: int) -> str:
    body = f"77{i:07d}"
    return body + str(sum(int(d) * w for d, w in zip(body, (2, 4, 10, 3, 5, 9, 4, 6, 8), strict=True)) % 11 % 10)


_INN = np.array([_inn(i) for i in range(CLIENTS)], dtype=object)
_CLIENT = np.array([f"ООО Клиент {i}" for i in range(CLIENTS)], dtype=object)
_PERSON = np.array([f"Сотрудник{i} А.Б." for i in range(PEOPLE)], dtype=object)
_ITEM = np.array([f"Товар {i:05d}" for i in range(ITEMS)], dtype=object)
_GROUP = np.array([f"Группа {i % 40}" for i in range(ITEMS)], dtype=object)
_STATUS = np.array(["Закрыт"] * 18 + ["К отгрузке", "Отменен"], dtype=object)
_STATUS_EN = np.array(["closed"] * 18 + ["open", "cancelled"], dtype=object)


def _texts(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.string())


def _join(parts: list[pa.Array], delimiter: str) -> bytes:
    return ("\r\n".join(pc.binary_join_element_wise(*parts, delimiter).to_pylist()) + "\r\n").encode()


def make_utf8(path: Path, lines: int) -> None:
    """Canonical headers, ISO dates, decimal points, commas."""
    rng = np.random.default_rng(1)
    with path.open("wb") as f:
        f.write(b"order_id,order_date,client_id,client,amount,cost,manager,created_by,status,sku,sku_group,qty\r\n")
        for first in range(0, lines, CHUNK):
            c = _columns(first, min(CHUNK, lines - first), lines, rng)
            cents = pa.array(c["kopecks"] / 100.0)
            cost = pa.array(np.round(c["kopecks"] * c["margin"] / 100) / 100.0)
            f.write(
                _join(
                    [
                        pc.binary_join_element_wise("SO", pa.array(c["order"]).cast(pa.string()), "-"),
                        pa.array(c["day"]).cast(pa.date32()).cast(pa.string()),
                        _texts(_INN[c["client"]]),
                        _texts(_CLIENT[c["client"]]),
                        cents.cast(pa.string()),
                        cost.cast(pa.string()),
                        _texts(_PERSON[c["manager"]]),
                        _texts(_PERSON[c["author"]]),
                        _texts(_STATUS_EN[c["status"]]),
                        _texts(_ITEM[c["item"]]),
                        _texts(_GROUP[c["item"]]),
                        pa.array(c["qty"]).cast(pa.string()),
                    ],
                    ",",
                )
            )


def _russian_number(hundredths: np.ndarray) -> pa.Array:
    whole = pa.array(hundredths // 100).cast(pa.string())
    spaced = pc.replace_substring_regex(whole, r"^(\d+)(\d{3})$", "\\1\u00a0\\2")
    part = pc.utf8_lpad(pa.array(hundredths % 100).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(spaced, part, ",")


def make_1c(path: Path, lines: int) -> None:
    """A 1C report saved as text: windows-1251, preamble, day first with time, «1 234,56», a total."""
    rng = np.random.default_rng(2)
    total = 0
    with path.open("wb") as f:

        def put(text: str) -> None:
            f.write(text.encode("cp1251"))

        put(
            "Заказы клиентов;;;;;;;;;;;\r\nПериод: 01.01.2022 - 31.12.2025;;;;;;;;;;;\r\n"
            "Отбор: Организация Равно «Химпоставка»;;;;;;;;;;;\r\n;;;;;;;;;;;\r\n"
        )
        put(
            "Номер;Дата;ИНН;Контрагент;Сумма, руб.;Себестоимость;Менеджер;Автор;Статус;Номенклатура;"
            "Номенклатурная группа;Количество\r\n"
        )
        for first in range(0, lines, CHUNK):
            c = _columns(first, min(CHUNK, lines - first), lines, rng)
            total += int(c["kopecks"][c["status"] != 19].sum())
            moment = pa.array(c["day"].astype("datetime64[s]") + c["second"].astype("timedelta64[s]"))
            block = _join(
                [
                    pc.binary_join_element_wise(
                        "0000", pc.utf8_lpad(pa.array(c["order"]).cast(pa.string()), 8, "0"), "-"
                    ),
                    pc.strftime(moment, "%d.%m.%Y %H:%M:%S"),
                    _texts(_INN[c["client"]]),
                    _texts(_CLIENT[c["client"]]),
                    _russian_number(c["kopecks"]),
                    _russian_number(c["kopecks"] * c["margin"] // 100),
                    _texts(_PERSON[c["manager"]]),
                    _texts(_PERSON[c["author"]]),
                    _texts(_STATUS[c["status"]]),
                    _texts(_ITEM[c["item"]]),
                    _texts(_GROUP[c["item"]]),
                    pa.array(c["qty"]).cast(pa.string()),
                ],
                ";",
            )
            put(block.decode())
        put(f"Итого;;;;{total // 100},{total % 100:02d};;;;;;;\r\n")


def make_xlsx(path: Path, lines: int) -> None:
    """The utf-8 file's first lines as a workbook with real dates and numbers."""
    import xlsxwriter

    rng = np.random.default_rng(3)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "default_date_format": "dd.mm.yyyy"})
    sheet = book.add_worksheet("Заказы")
    dates = book.add_format({"num_format": "dd.mm.yyyy"})
    sheet.write_row(
        0,
        0,
        [
            "Номер",
            "Дата",
            "ИНН",
            "Контрагент",
            "Сумма",
            "Себестоимость",
            "Менеджер",
            "Автор",
            "Статус",
            "Номенклатура",
            "Номенклатурная группа",
            "Количество",
        ],
    )
    at = 1
    epoch = np.datetime64("1899-12-30")
    for first in range(0, lines, CHUNK):
        c = _columns(first, min(CHUNK, lines - first), lines, rng)
        serial = (c["day"] - epoch).astype(int)
        for i in range(len(serial)):
            sheet.write_string(at, 0, f"0000-{c['order'][i]:08d}")
            sheet.write_number(at, 1, int(serial[i]), dates)
            sheet.write_string(at, 2, _INN[c["client"][i]])
            sheet.write_string(at, 3, _CLIENT[c["client"][i]])
            sheet.write_number(at, 4, c["kopecks"][i] / 100)
            sheet.write_number(at, 5, round(c["kopecks"][i] * c["margin"][i] / 100) / 100)
            sheet.write_string(at, 6, _PERSON[c["manager"][i]])
            sheet.write_string(at, 7, _PERSON[c["author"][i]])
            sheet.write_string(at, 8, _STATUS[c["status"][i]])
            sheet.write_string(at, 9, _ITEM[c["item"][i]])
            sheet.write_string(at, 10, _GROUP[c["item"][i]])
            sheet.write_number(at, 11, int(c["qty"][i]))
            at += 1
    book.close()


KIT = """
import sys
from pathlib import Path
from audit.intake.orders import read_orders
from audit.settings import Settings
r = read_orders([sys.argv[1]], Settings(), None, Path(sys.argv[2]))
rows = f"{r.rows_used} + {r.rows_set_aside}"
"""
READERS = {
    "utf8": {
        "km-audit": KIT,
        "pandas": """
import sys, pandas as pd
f = pd.read_csv(sys.argv[1], dtype={"client_id": str}, parse_dates=["order_date"])
f = f[f["status"] != "cancelled"]
f.to_parquet(sys.argv[2] + "/pandas.parquet")
rows = len(f)
""",
        "polars": """
import sys, polars as pl
f = (pl.scan_csv(sys.argv[1], schema_overrides={"client_id": pl.String, "amount": pl.Float64}, try_parse_dates=True)
     .filter(pl.col("status") != "cancelled"))
f.sink_parquet(sys.argv[2] + "/polars.parquet")
rows = pl.scan_parquet(sys.argv[2] + "/polars.parquet").select(pl.len()).collect().item()
""",
    },
    "1c": {
        "km-audit": KIT,
        "pandas": """
import sys, pandas as pd
f = pd.read_csv(sys.argv[1], sep=";", encoding="cp1251", skiprows=4, decimal=",", thousands="\\u00a0",
                dtype={"ИНН": str, "Номер": str})
f["Дата"] = pd.to_datetime(f["Дата"], format="%d.%m.%Y %H:%M:%S", errors="coerce")
for c in ("Сумма, руб.", "Себестоимость", "Количество"):
    if not pd.api.types.is_numeric_dtype(f[c]):
        f[c] = pd.to_numeric(f[c].str.replace("\\u00a0", "").str.replace(",", "."), errors="coerce")
f = f[f["Дата"].notna() & (f["Статус"] != "Отменен")]
f.to_parquet(sys.argv[2] + "/pandas.parquet")
rows = len(f)
""",
        "polars": """
import sys, polars as pl
f = pl.read_csv(sys.argv[1], separator=";", encoding="cp1251", skip_rows=4, infer_schema=False)
number = lambda c: pl.col(c).str.replace_all("\\u00a0", "").str.replace(",", ".").cast(pl.Float64, strict=False)
f = f.with_columns(pl.col("Дата").str.to_datetime("%d.%m.%Y %H:%M:%S", strict=False), number("Сумма, руб."),
                   number("Себестоимость"), number("Количество"))
f = f.filter(pl.col("Дата").is_not_null() & (pl.col("Статус") != "Отменен"))
f.write_parquet(sys.argv[2] + "/polars.parquet")
rows = f.height
""",
    },
    "xlsx": {
        "km-audit": KIT,
        "fastexcel (bare)": """
import sys, fastexcel
t = fastexcel.read_excel(sys.argv[1]).load_sheet(0).to_arrow()
rows = t.num_rows
""",
        "pandas + calamine": """
import sys, pandas as pd
f = pd.read_excel(sys.argv[1], engine="calamine", dtype={"ИНН": str})
f.to_parquet(sys.argv[2] + "/pandas.parquet")
rows = len(f)
""",
        "polars": """
import sys, polars as pl
f = pl.read_excel(sys.argv[1])
f.write_parquet(sys.argv[2] + "/polars.parquet")
rows = f.height
""",
    },
}
MEASURE = """
import json, resource, sys, time
begin = time.perf_counter()
{code}
wall = time.perf_counter() - begin
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
print(json.dumps({{"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak_mb": peak, "rows": str(rows)}}))
"""


def measure(code: str, source: Path) -> dict[str, float | str]:
    """Run a reader in a process of its own; imports are counted, for all alike."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", MEASURE.format(code=code), str(source), out],
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:150] if done.stderr else f"exit {done.returncode}"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--xlsx-lines", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "km-audit-bench")
    parser.add_argument("--only", default="utf8,1c,xlsx")
    parser.add_argument("--readers", default="")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    makers = {
        "utf8": (make_utf8, "csv", given.lines),
        "1c": (make_1c, "csv", given.lines),
        "xlsx": (make_xlsx, "xlsx", min(given.xlsx_lines, 1_048_575)),
    }
    print("| file | lines | MB | reader | rows | wall s | CPU s | peak MB |\n|---|---|---|---|---|---|---|---|")
    for kind in given.only.split(","):
        make, ending, lines = makers[kind]
        path = given.folder / f"{kind}_{lines}.{ending}"
        if not path.exists():
            # In a process of its own: a child's peak memory begins at what its parent held.
            begin = time.perf_counter()
            maker = multiprocessing.get_context("spawn").Process(target=make, args=(path, lines))
            maker.start()
            maker.join()
            print(f"made {path.name} in {time.perf_counter() - begin:.0f} s", file=sys.stderr)
        size = path.stat().st_size / 1e6
        for reader, code in READERS[kind].items():
            if given.readers and reader not in given.readers.split(","):
                continue
            m = measure(code, path)
            if "error" in m:
                print(f"| {kind} | {lines} | {size:.0f} | {reader} | {m['error']} | | | |", flush=True)
            else:
                print(
                    f"| {kind} | {lines} | {size:.0f} | {reader} | {m['rows']} | {m['wall']:.1f} | {m['cpu']:.1f} "
                    f"| {m['peak_mb']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
