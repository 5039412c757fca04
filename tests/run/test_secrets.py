"""What a run leaves can be passed on: no password of a database in it and, with names off, no person's name."""

from __future__ import annotations

import html
import json
import os
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

from audit.errors import InputError, set_language
from audit.intake.databases import open_database, redacted, shown_address
from audit.run.inputs import file_inputs
from audit.run.lab import settle
from audit.run.leftovers import PRIVATE
from audit.run.pipeline import run_audit
from audit.run.public import public_settings
from audit.settings import settings_from_mapping
from tests.intake.reading import read

SECRET = "pa/s#s@w:ord"
PIECES = (SECRET, "s@w:", "w:ord", "pa/s#", "s#s@w")
ADDRESSES = [
    "postgresql+psycopg://audit:{0}@host:5432/base#orders",
    "mysql://audit:{0}@host/base#SELECT * FROM orders WHERE note LIKE '%@%'",
    "mysql+pymysql://host/base?user=a&passwd={0}#orders",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3DX;UID=audit;PWD={0}#orders",
    "mssql+pyodbc://host/b?driver=X&Password={0}&encrypt=no#SELECT 1",
    "snowflake://u:{0}@account/db?warehouse=w&private_key_passphrase={0}#t",
]


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_password_is_nowhere_to_be_seen(address: str, tmp_path: Path) -> None:
    full = address.format(SECRET)
    settings = settings_from_mapping({"inputs": {"orders": [full]}})
    notebook = tmp_path / "n.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": [f'orders = ["{full}"]\n', "k = 1"]}
    notebook.write_text(json.dumps({"cells": [cell], "metadata": {}}), encoding="utf-8")
    settle(notebook, {"lang": "en"}, "en")
    said = [shown_address(full), redacted(full), json.dumps(public_settings(settings)), notebook.read_text("utf-8")]
    with pytest.raises(InputError) as error:
        open_database(full).head()
    for text in (*said, str(error.value)):
        for piece in (SECRET, "s@w", "w:ord", "pa/s", "s#s"):
            assert piece not in text, text
    assert "k = 1" in notebook.read_text("utf-8")


@pytest.mark.parametrize("plain", ["sqlite:///orders.db#orders", "postgresql://host/base#SELECT a FROM t WHERE b = 1"])
def test_an_address_without_a_secret_stays_as_it_is(plain: str) -> None:
    assert redacted(plain) == plain
    assert redacted("orders/*.csv") == "orders/*.csv"


PEOPLE = ("Скворцова-Зябликова Агния", "Перепёлкин Тит", "Ястребова Роза")
SETTINGS = {
    "people": {"alias": {PEOPLE[0]: "KM1"}, "system_users": [PEOPLE[2]]},
    "corrections": {
        "fix": [
            {"order_id": "З-6", "field": "manager", "was": PEOPLE[0], "becomes": PEOPLE[1], "reason": "опечатка в базе"}
        ]
    },
    "report": {"lang": "ru"},
}


def orders(path: Path) -> Path:
    rows = ["Номер;Дата;Клиент;Сумма;Менеджер;Автор"]
    for i in range(400):
        day = f"{1 + i % 28:02d}.{1 + i // 28 % 12:02d}.{2023 + i // 336}"
        rows.append(f"З-{i};{day};ООО Клиент {i % 23};{1000 + i};{PEOPLE[i % 2 and i % 3 > 0]};{PEOPLE[2]}")
    rows.insert(40, f"З-x;10.02.2023;ООО Клиент 1;5;{PEOPLE[1]};{PEOPLE[2]};лишнее;{PEOPLE[0]}")
    rows.insert(90, f"Итого по {PEOPLE[1]};;;5000;;")
    rows.insert(91, f";;;700;Итого {PEOPLE[0]};")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def texts(folder: Path) -> dict[str, str]:
    out = {}
    for path in (p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".png", ".parquet")):
        if path.suffix in (".xlsx", ".pptx"):
            with zipfile.ZipFile(path) as package:
                out |= {f"{path.name}/{n}": package.read(n).decode("utf-8", "replace") for n in package.namelist()}
        else:
            out[path.name] = path.read_bytes().decode("utf-8", "replace")
    return out


def staffed(folder: Path) -> Path:
    """Write a questionnaire whose people stand there with name, aliases and a note of their own."""
    folder.mkdir()
    (folder / "company.csv").write_text("key;value\nname;Акме\n", encoding="utf-8")
    (folder / "staff.csv").write_text(
        "person;name;role;aliases\n"
        f"KM1;{PEOPLE[0]};KM;{PEOPLE[0]}\nKM2;{PEOPLE[1]};KM;{PEOPLE[1]};\nOP1;{PEOPLE[2]};OP;{PEOPLE[2]}\n",
        encoding="utf-8",
    )
    return folder


@pytest.mark.slow
def test_with_names_off_no_file_of_a_run_names_anybody_nor_a_secret_nor_a_path(tmp_path: Path) -> None:
    """Names, passwords and a folder's name are sown wherever a client or a consultant may write them."""
    home = tmp_path / "Тайник-42"
    home.mkdir()
    given = orders(home / "o.csv")
    inputs = file_inputs(str(given), staffed(home / "q"), None)
    sown = SETTINGS | {"inputs": {"orders": [a.format(SECRET) for a in ADDRESSES]}}
    object.__setattr__(inputs, "settings", settings_from_mapping(sown))
    before = set(Path(tempfile.gettempdir()).glob(f"{PRIVATE}*"))
    run = run_audit(inputs, home / "run", chapters=["data", "ownership"], jobs=1, deck=True).folder
    left = {p for p in set(Path(tempfile.gettempdir()).glob(f"{PRIVATE}*")) - before if str(os.getpid()) in p.name}
    assert left == set(), "what a kernel was reached by, or a client's prepared data"
    found = texts(run)
    assert {"settings.json", "manifest.json", "rejected_rows.csv", "findings.json", "report.html"} <= set(found)
    assert any(n.endswith(".ipynb") for n in found) and any(n.startswith("annex.xlsx/") for n in found)
    assert any(n.startswith("deck.pptx/") for n in found)
    for name, text in found.items():
        for word in (*(part for person in PEOPLE for part in person.split()), *PIECES, "Тайник-42", str(tmp_path)):
            for spelled in {word, json.dumps(word)[1:-1], html.escape(word), quote(word)}:
                assert spelled not in text, f"{spelled} in {name}: {text[max(text.find(spelled) - 80, 0) :][:200]}"


@pytest.mark.parametrize("names", [False, True])
def test_rows_set_aside_name_persons_only_where_names_are_asked_for(tmp_path: Path, names: bool) -> None:
    result = read(orders(tmp_path / "o.csv"), tmp_path / "out", SETTINGS | {"report": {"names": names}})
    said = " ".join(r["value"] for r in result.rejected)
    assert all((person in said) is names for person in PEOPLE[:2])
