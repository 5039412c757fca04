"""The same 200 orders in many disguises give the identical canonical table."""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.intake.dialects.disguises import DISGUISES, Disguise
from tests.intake.dialects.orders import ORDERS, canonical
from tests.intake.reading import Read, read

FILES = Path(__file__).parent / "dialects" / "files"
COLUMNS = (
    "order_id",
    "order_date",
    "client_name",
    "amount",
    "margin",
    "manager",
    "created_by",
    "status",
    "promised_date",
)


def table(result: Read) -> list[tuple[Any, ...]]:
    columns = [result.column(c) for c in COLUMNS]
    return sorted(zip(*columns, strict=True), key=lambda r: r[0])


def expect_the_orders(result: Read) -> None:
    got, wanted = table(result), canonical()
    assert len(got) == len(wanted)
    for g, w in zip(got, wanted, strict=True):
        assert g[:2] == w[:2] and g[3:] == w[3:], (g, w)
        # Old code pages lack «ёлочки»: the name may be spelt with straight quotes, the client is the same.
        assert g[2].replace("«", '"').replace("»", '"') == w[2].replace("«", '"').replace("»", '"')
    assert len({*result.column("client_key")}) == len({o.client for o in ORDERS})
    for control in result.report.control_sums:
        assert control.agrees, control


def test_there_are_enough() -> None:
    assert len(DISGUISES) >= 25
    assert len(ORDERS) == 200 and any(o.amount < 0 for o in ORDERS)
    assert canonical()[0] == (
        "0000-000001",
        dt.date(2023, 1, 10),
        "Бюро <Альфа>; Бета",
        *canonical()[0][3:],
    ) or isinstance(canonical()[0][3], Decimal)


@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda d: d.name)
def test_disguise(disguise: Disguise, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    result = read(disguise.write(folder), tmp_path / "out", disguise.settings)
    expect_the_orders(result)
    assert result.report.rows_set_aside == disguise.set_aside, result.reasons()


@pytest.mark.parametrize("file", sorted(p for p in FILES.glob("*") if p.suffix != ".toml"), ids=lambda p: p.name)
def test_file(file: Path, tmp_path: Path) -> None:
    beside = file.with_name(file.name + ".toml")
    settings = tomllib.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    expect_the_orders(read(file, tmp_path / "out", settings))
