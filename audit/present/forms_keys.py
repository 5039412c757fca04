"""Key clients' workbooks: one per manager, a sheet per client, begun with what the orders tell.

``file_share``, ``buying_centre_share`` and ``plan_*`` are counted from what is filled in (`audit.model.key_form`), not
asked as a guess. Client data are untrusted: every cell is text, nothing that a spreadsheet would calculate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from audit.errors import Lang, Text
from audit.ground.key_clients import KeyClient, key_clients
from audit.ground.people import staff_now
from audit.model.case import Case
from audit.model.key_form import (
    CENTRE,
    CENTRE_COLUMNS,
    CENTRE_FIELDS,
    CENTRE_ROW,
    FILE_FIELDS,
    KEY_MARK,
    PLAN_QUESTIONS,
    SHORT,
)
from audit.model.questionnaire import TABLES, Column, options
from audit.present.annex import clean_text, sheet_names
from audit.present.format import Fmt
from audit.present.forms_asked import Asked, file_names
from audit.present.forms_workbook import CREATED

__all__ = ["history", "write_key_books"]

_LAST = 9
"""Last column of a sheet: eight quarters stand in columns C to J."""
_PEOPLE = 6
_UNASSIGNED = "unassigned"

_W: dict[str, Text] = {
    "title": Text("Досье ключевых клиентов", "Key client files"),
    "how": Text(
        "Верх заполнен по заказам. Ответьте на вопросы в жёлтых ячейках: коротко, чего не знаете — пусто. Верните файл "
        "консультанту или положите в папку questionnaire.",
        "The top is filled in from the orders. Answer in the yellow cells: briefly; what you do not know stays blank. "
        "Return the file to the consultant, or put it into the folder questionnaire.",
    ),
    "privacy": Text(
        "В отчёт попадёт, заполнено ли досье, а не то, что в нём написано. Файл остаётся внутри компании.",
        "The report tells whether the file is filled in, not what it says. This workbook stays inside the company.",
    ),
    "client_id": Text("Код клиента", "Client key"),
    "lead": Text("Ведёт (код)", "Lead (code)"),
    "orders": Text("ПО ЗАКАЗАМ", "BY THE ORDERS"),
    "quarter": Text("Квартал", "Quarter"),
    "revenue": Text("Выручка", "Revenue"),
    "short": Text("КОРОТКО", "IN SHORT"),
    "file": Text("ДОСЬЕ", "CLIENT FILE"),
    "centre": Text("ЗАКУПОЧНЫЙ ЦЕНТР: кто участвует в закупке", "BUYING CENTRE: who takes part in buying"),
    "plan": Text("ПЕРСПЕКТИВНЫЙ ПЛАН: дальше этого года", "LONG-TERM PLAN: beyond this year"),
    "lists": Text("Списки", "Lists"),
    "list": Text("Выберите из списка или оставьте пустым", "Choose from the list or leave blank"),
}


def history(client: KeyClient, fmt: Fmt) -> list[tuple[str, str]]:
    """Return what the orders and the questionnaire tell of a client as lines: label and sentence; unknown lines fall out."""
    lang = fmt.lang

    def say(ru: str, en: str) -> str:
        return Text(ru, en).get(lang)

    lines = []
    money = fmt.money(client.revenue)
    if client.margin_share is not None:
        money += say(f", маржа {fmt.share(client.margin_share)}", f", margin {fmt.share(client.margin_share)}")
    lines.append((say("Выручка за 12 месяцев", "Revenue of 12 months"), money))
    rhythm = []
    if client.usual_gap_days is not None:
        usual = fmt.days(client.usual_gap_days)
        rhythm.append(say(f"обычно {usual} между заказами", f"usually {usual} between orders"))
    if client.last_day is not None and client.silent_days is not None:
        last, ago = fmt.date(client.last_day), fmt.days(client.silent_days)
        rhythm.append(
            say(f"последний заказ {last}, за {ago} до конца выгрузки", f"last order {last}, {ago} before the end")
        )
    if rhythm:
        lines.append((say("Ритм", "Rhythm"), "; ".join(rhythm)))
    if client.categories is not None:
        bought = say(f"товарных групп {client.categories}", f"{client.categories} item groups")
        if client.missing:
            lacks = ", ".join(f"{name} ({fmt.share(share)})" for name, share, _ in client.missing)
            bought += say(
                f"; похожие клиенты берут ещё (доля таких клиентов): {lacks}",
                f"; similar clients also buy (share of them that do): {lacks}",
            )
        lines.append((say("Ассортимент и пробелы", "Range and gaps"), bought))
    lines.append((say("Сбои за 12 месяцев", "Failures of 12 months"), _failures(client, fmt)))
    if client.wallet_share is not None:
        wallet = say(f"наша доля {fmt.share(client.wallet_share)}", f"our share {fmt.share(client.wallet_share)}")
        if client.elsewhere:
            other = fmt.money(client.elsewhere, per_year=True)
            wallet += say(f", у других поставщиков {other}", f", {other} with other suppliers")
        lines.append((say("Кошелёк", "Wallet"), wallet))
    if client.contacts:
        lines.append(
            (say("Контакты", "Contacts"), say(f"заказывали: {client.contacts}", f"who ordered: {client.contacts}"))
        )
    return lines


def _failures(client: KeyClient, fmt: Fmt) -> str:
    lang = fmt.lang
    parts = [Text(f"заказов {client.orders}", f"{client.orders} orders").get(lang)]
    if client.late is not None:
        late, dated = client.late
        parts.append(Text(f"с опозданием {late} из {dated}", f"{late} of {dated} late").get(lang))
    if client.complaints is not None:
        parts.append(Text(f"рекламаций {client.complaints}", f"complaints {client.complaints}").get(lang))
    if client.document_errors is not None:
        n = client.document_errors
        parts.append(Text(f"ошибок в документах {n}", f"errors in papers {n}").get(lang))
    return ", ".join(parts)


def write_key_books(asked: Asked) -> list[Path]:
    """Write one workbook of key clients for everybody asked for who leads one; the rest goes into one without a lead."""
    assert asked.case is not None
    people = [p.code for p in asked.people]
    q = asked.questionnaire
    everybody = staff_now(q.table("staff"), asked.case.window.as_of, q.hours_per_month())
    books: dict[str, list[KeyClient]] = {}
    for client in key_clients(asked.case):
        lead = next((x for x in (client.lead, client.seller) if x in people), None)
        if lead is None and len(people) < len(everybody):
            continue  # only some were asked for: what nobody leads is not theirs
        books.setdefault(lead or _UNASSIGNED, []).append(client)
    names = file_names(books)
    out = []
    for lead, clients in books.items():
        path = asked.folder / f"key_clients_{names[lead]}.xlsx"
        _write_book(path, asked.case, asked.lang, None if lead == _UNASSIGNED else lead, clients)
        out.append(path)
    return out


def _write_book(path: Path, case: Case, lang: Lang, lead: str | None, clients: Sequence[KeyClient]) -> None:
    options_ = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options_) as book:
        book.set_properties({"title": _W["title"].get(lang), "author": "km-audit", "created": CREATED})
        writer = _Book(book, case, lang)
        lists = _W["lists"].get(lang)
        titles = sheet_names([f"{i}. {c.name}" for i, c in enumerate(clients, 1)], [lists])
        pages = [book.add_worksheet(t) for t in titles]
        writer.lists = book.add_worksheet(lists)
        writer.lists.hide()
        for page, client in zip(pages, clients, strict=True):
            writer.sheet(page, client, lead)


class _Book:
    """A workbook being written: formats, and lists that several sheets use."""

    lists: Any

    def __init__(self, book: Any, case: Case, lang: Lang) -> None:
        self.case, self.lang = case, lang
        self.fmt = Fmt(lang, case.currency)
        base = {"font_name": "Arial", "font_size": 10, "valign": "top", "text_wrap": True}
        edge = {"border": 1, "border_color": "#C9CED6"}
        make = book.add_format
        self.title = make({**base, "font_size": 14, "bold": True, "font_color": "#1F3B57", "num_format": "@"})
        self.plain = make({**base, "font_size": 9, "font_color": "#55606E"})
        self.head = make({**base, "bold": True, "bg_color": "#DCE6F0", "font_color": "#1F3B57"})
        self.label = make({**base, **edge, "num_format": "@"})
        self.fact = make({**base, **edge, "num_format": "@", "bg_color": "#F5F7FA"})
        self.small = make({**base, **edge, "font_size": 8, "align": "center", "bg_color": "#F5F7FA"})
        self.money = make({**base, **edge, "num_format": "#,##0", "align": "center", "bg_color": "#F5F7FA"})
        answer = {**base, **edge, "bg_color": "#FFF9DB", "locked": False}
        self.answer = make({**answer, "num_format": "@"})
        self.number = make({**answer, "num_format": "#,##0.##", "align": "left"})
        self.share = make({**answer, "num_format": "0%", "align": "left"})
        self._offered: dict[tuple[str, ...], str] = {}

    def say(self, key: str) -> str:
        return _W[key].get(self.lang)

    def _across(self, page: Any, row: int, value: Any, form: Any, first: int = 2, last: int = _LAST) -> None:
        """Write one value over several columns; text stays text."""
        page.merge_range(row, first, row, last, "", form)
        if isinstance(value, int | float) and not isinstance(value, bool):
            page.write_number(row, first, value, form)
        elif value:
            page.write_string(row, first, clean_text(str(value)), form)

    def _section(self, page: Any, row: int, key: str) -> int:
        page.merge_range(row, 1, row, _LAST, self.say(key), self.head)
        return row + 1

    def _list(self, page: Any, row: int, column: int, labels: Sequence[str], *, free: bool = False) -> None:
        key = tuple(labels)
        if key not in self._offered:
            col = len(self._offered)
            self.lists.write_column(0, col, labels)
            letter = chr(65 + col)
            self._offered[key] = f"='{self.say('lists')}'!${letter}$1:${letter}${len(labels)}"
        page.data_validation(
            row,
            column,
            row,
            column,
            {
                "validate": "list",
                "source": self._offered[key],
                "ignore_blank": True,
                "error_type": "warning" if free else "stop",
                "error_message": self.say("list"),
            },
        )

    def sheet(self, page: Any, client: KeyClient, lead: str | None) -> None:
        """Write the sheet of one client."""
        page.hide_gridlines(2)
        page.set_column(0, 0, 3, None, {"hidden": True})
        page.set_column(1, 1, 36)
        page.set_column(2, _LAST, 11)
        page.write_string(0, 0, KEY_MARK)
        page.merge_range(0, 1, 0, _LAST, "", self.title)
        page.write_string(0, 1, clean_text(client.name), self.title)
        page.set_row(0, 24)
        for row, key in ((1, "how"), (2, "privacy")):
            page.merge_range(row, 1, row, _LAST, self.say(key), self.plain)
            page.set_row(row, 26 if row == 1 else 14)
        row = self._line(page, 3, "client_id", self.say("client_id"), client.client_id, self.fact)
        row = self._line(page, row, "lead", self.say("lead"), lead or client.lead, self.answer)
        row = self._orders(page, row, client)
        row = self._section(page, row, "short")
        for key in SHORT:
            column = TABLES["key_clients"].column(key)
            assert column is not None
            row = self._short(page, row, column, client.answers.get(key))
        row = self._section(page, row, "file")
        for key, (label, hint) in FILE_FIELDS.items():
            row = self._question(page, row, key, label.get(self.lang), hint.get(self.lang))
        row = self._centre(page, self._section(page, row, "centre"))
        row = self._section(page, row, "plan")
        for key, label in PLAN_QUESTIONS.items():
            row = self._question(page, row, key, label.get(self.lang), "")
        page.protect("", {"format_columns": True, "format_rows": True})
        page.set_paper(9)
        page.set_margins(0.4, 0.4, 0.4, 0.4)
        page.fit_to_pages(1, 1)
        page.print_area(0, 1, row - 1, _LAST)

    def _line(self, page: Any, row: int, key: str, label: str, value: Any, form: Any) -> int:
        page.write_string(row, 0, key)
        page.write_string(row, 1, label, self.label)
        self._across(page, row, value, form)
        return row + 1

    def _orders(self, page: Any, row: int, client: KeyClient) -> int:
        row = self._section(page, row, "orders")
        if client.quarters:
            page.write_string(row, 1, self.say("quarter"), self.label)
            page.write_string(row + 1, 1, self.say("revenue"), self.label)
            for i, (first, last, money) in enumerate(client.quarters):
                page.write_string(row, 2 + i, f"{first:%m.%y}–{last:%m.%y}", self.small)
                page.write_number(row + 1, 2 + i, round(money), self.money)
            row += 2
        for label, said in history(client, self.fmt):
            page.write_string(row, 1, label, self.label)
            self._across(page, row, said, self.fact)
            page.set_row(row, 15 if len(said) < 95 else 28 if len(said) < 190 else 42)
            row += 1
        return row

    def _short(self, page: Any, row: int, column: Column, value: Any) -> int:
        form = {"share": self.share, "number": self.number, "int": self.number}.get(column.kind, self.answer)
        codes = options(column)
        shown = value
        if column.kind == "yesno" and value is not None:
            shown = codes["yes" if value else "no"].get(self.lang)
        elif codes and value in codes:
            shown = codes[value].get(self.lang)
        row_ = self._line(page, row, column.key, Text(column.ru, column.en).get(self.lang), shown, form)
        if codes:
            self._list(page, row, 2, [t.get(self.lang) for t in codes.values()])
        return row_

    def _question(self, page: Any, row: int, key: str, label: str, hint: str) -> int:
        page.write_string(row, 0, key)
        page.write_string(row, 1, f"{label}\n{hint}" if hint else label, self.label)
        self._across(page, row, None, self.answer)
        page.set_row(row, 40 if hint else 30)
        return row + 1

    def _centre(self, page: Any, row: int) -> int:
        ends = [*(c - 1 for c in CENTRE_COLUMNS[1:]), _LAST]
        for i in range(_PEOPLE + 1):
            for (key, (label, hint)), first, last in zip(CENTRE_FIELDS.items(), CENTRE_COLUMNS, ends, strict=True):
                form = self.answer if i else self.label
                said = "" if i else label.get(self.lang) + (f" ({hint.get(self.lang)})" if hint.get(self.lang) else "")
                if first == last:
                    page.write_string(row, first, said, form) if said else page.write_blank(row, first, None, form)
                else:
                    self._across(page, row, said, form, first, last)
                if i and key in CENTRE:
                    self._list(page, row, first, [t.get(self.lang) for t in CENTRE[key]], free=True)
            if i:
                page.write_string(row, 0, CENTRE_ROW)
            page.set_row(row, 28 if not i else 18)
            row += 1
        return row
