"""The key from codes to names: who is who, and nothing that a spreadsheet would compute."""

from __future__ import annotations

import csv
from pathlib import Path

from audit.run.key import write_key
from tests.case_builder import make_case


def test_the_key_tells_staff_and_strangers(tmp_path: Path) -> None:
    orders = [
        {"client": "A", "order_date": "2024-01-01", "amount": 10, "manager": "KM1"},
        {"client": "A", "order_date": "2024-02-01", "amount": 10, "manager": "=Зорин"},
    ]
    staff = [
        {"person": "KM1", "name": "Иванов Иван", "role": "KM"},
        {"person": "Петров Пётр", "name": "Петров Пётр", "role": "KM"},
    ]
    case = make_case(orders, {"staff": staff})
    write_key(case, tmp_path / "key.csv")
    rows = list(csv.reader((tmp_path / "key.csv").read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    assert rows[0] == ["in_report", "code", "name"]
    assert ["KM1", "KM1", "Иванов Иван"] in rows
    # a code that is a name stands as role and number in the report
    assert ["КМ-1", "Петров Пётр", "Петров Пётр"] in rows
    assert ["вне списка 1", "", "'=Зорин"] in rows
