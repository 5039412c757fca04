"""Put an invented company into a folder the way a client sends it, with the truth beside it."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from tools.samples.spec import Company

RU_HEADERS = {
    "order_id": "Номер",
    "order_date": "Дата",
    "client_id": "ИНН",
    "client": "Контрагент",
    "segment": "Сегмент",
    "region": "Регион",
    "holding": "Группа компаний",
    "client_since": "Клиент с",
    "contact": "Контактное лицо",
    "manager": "Менеджер",
    "created_by": "Автор",
    "channel": "Способ получения заказа",
    "initiator": "Инициатор",
    "kind": "Вид документа",
    "status": "Статус",
    "sku_group": "Номенклатурная группа",
    "sku": "Номенклатура",
    "qty": "Количество",
    "amount": "Сумма",
    "margin": "Валовая прибыль",
    "promised_date": "Плановая дата отгрузки",
    "shipped_date": "Фактическая дата отгрузки",
    "shipped_pct": "% отгрузки",
    "complaint": "Рекламация",
    "complaint_reason": "Причина рекламации",
    "document_error": "Ошибка в документах",
}
"""Headers of a clean 1C list export; a test checks that the method knows each of them."""

_RU_VALUES = {
    "kind": {"sale": "Реализация", "return": "Возврат", "internal": "Внутренний"},
    "status": {"open": "В работе", "shipped": "Отгружен", "closed": "Закрыт", "cancelled": "Отменён"},
    "complaint": {"1": "Да", "0": "Нет"},
    "document_error": {"1": "Да", "0": "Нет"},
}
_DATES = ["order_date", "client_since", "promised_date", "shipped_date"]
_MONEY = ["amount", "margin"]


def write(
    company: Company,
    folder: Path,
    orders_format: Literal["csv", "parquet"] = "csv",
    headers: Literal["canonical", "ru"] = "canonical",
    questionnaire: Literal["csv", "none"] = "csv",
) -> Path:
    """Write ``orders/``, ``questionnaire/`` and ``truth.toml`` into ``folder`` and return it.

    CSV comes one file a year. Canonical: UTF-8, commas, ISO dates, decimal points. ``ru``: UTF-8 with a byte
    order mark, semicolons, day-first dates, decimal commas, Russian words, as 1C lists are saved. Parquet is
    one file with real dates and numbers, always canonical. Lines end with \\n everywhere; existing files are
    replaced.
    """
    orders_folder = folder / "orders"
    orders_folder.mkdir(parents=True, exist_ok=True)
    if orders_format == "parquet":
        typed(company.orders).to_parquet(orders_folder / "orders.parquet", index=False)
    else:
        years = company.orders["order_date"].str[:4]
        for year in sorted(years.unique()):
            part = company.orders[years == year]
            _save(orders_folder / f"orders_{year}.csv", orders_csv(part, headers), bom=headers == "ru")
    if questionnaire == "csv" and company.questionnaire:
        tables_folder = folder / "questionnaire"
        tables_folder.mkdir(parents=True, exist_ok=True)
        for name, table in company.questionnaire.items():
            _save(tables_folder / f"{name}.csv", _csv(table, ","), bom=False)
    _save(folder / "truth.toml", toml(company.truth), bom=False)
    return folder


def orders_csv(orders: pd.DataFrame, headers: Literal["canonical", "ru"]) -> str:
    """Order lines as CSV text in one of the two dialects."""
    text = pd.DataFrame({c: _texts(orders[c], c in _MONEY) for c in orders.columns})
    if headers == "canonical":
        return _csv(text, ",")
    for column in text.columns.intersection(_DATES):
        text[column] = text[column].str.replace(r"^(\d{4})-(\d{2})-(\d{2})$", r"\3.\2.\1", regex=True)
    for column in text.columns.intersection(_MONEY):
        text[column] = text[column].str.replace(".", ",", regex=False)
    for column, words in _RU_VALUES.items():
        if column in text.columns:
            text[column] = text[column].map(words)
    return _csv(text.rename(columns=RU_HEADERS), ";")


def typed(orders: pd.DataFrame) -> pd.DataFrame:
    """Order lines with real dates and numbers, as a database would export them."""
    frame = orders.copy()
    for column in frame.columns.intersection(_DATES):
        frame[column] = pd.to_datetime(frame[column]).dt.date
    if "shipped_pct" in frame.columns:
        frame["shipped_pct"] = frame["shipped_pct"].astype("Float64")
    return frame


def _texts(column: pd.Series[Any], money: bool) -> list[str]:
    if money:
        return [f"{value:.2f}" for value in column.tolist()]
    return ["" if value is None or value != value else str(value) for value in column.tolist()]


def _csv(table: pd.DataFrame, delimiter: str) -> str:
    buffer = StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.itertuples(index=False, name=None))
    return buffer.getvalue()


def _save(path: Path, text: str, *, bom: bool) -> None:
    path.write_text(text, encoding="utf-8-sig" if bom else "utf-8", newline="\n")


def toml(sections: dict[str, Any]) -> str:
    """Sections of plain values as TOML text; lists one entry a line, floats as Python prints them."""
    out: list[str] = []
    for name, values in sections.items():
        out.append(f"[{name}]")
        for key, value in values.items():
            out.append(f"{key} = {_value(value)}")
        out.append("")
    return "\n".join(out)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + "".join(f'\n  "{item}",' for item in value) + ("\n]" if value else "]")
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
