"""Why a row is set aside: every reason once, with its sentence, and the file that lists the rows.

Nothing is lost in silence: a row of a client's file is either used or it stands in ``rejected_rows.csv`` under exactly
one reason, the first that applies in the order of `REASONS`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from audit.errors import Lang, Text

__all__ = ["DISPATCHED", "REASONS", "RejectedRows", "neutral"]

REASONS: dict[str, Text] = {
    "bad_bytes": Text("строка не читается: повреждённые символы", "the row cannot be read: damaged characters"),
    "unclosed_quote": Text(
        "строка не читается: кавычка открыта и не закрыта", "the row cannot be read: a quote is opened and never closed"
    ),
    "field_count": Text("в строке больше полей, чем в заголовке", "the row has more fields than the header"),
    "blank_row": Text("пустая строка", "blank row"),
    "repeated_header": Text("повтор заголовка таблицы", "the table header repeated"),
    "page_line": Text("номер страницы отчёта", "a page number of the report"),
    "total_row": Text("итоговая строка", "total row"),
    "subtotal_row": Text("строка промежуточного итога", "subtotal row"),
    "group_row": Text(
        "строка-группа: значение отнесено к строкам под ней", "group row: its value was given to the rows below it"
    ),
    "deleted": Text("документ помечен на удаление", "the document is marked for deletion"),
    "unposted": Text("документ не проведён", "the document is not posted"),
    "internal": Text("внутренний документ, не продажа", "an internal document, not a sale"),
    "cancelled": Text("заказ отменён", "the order is cancelled"),
    "no_client": Text("нет клиента", "no client"),
    "dropped_prefix": Text(
        "номер документа начинается с исключённого префикса ([reading] drop_order_id_prefix)",
        "the document number begins with an excluded prefix ([reading] drop_order_id_prefix)",
    ),
    "cell_error": Text("в ячейке ошибка вместо значения", "the cell holds an error instead of a value"),
    "no_date": Text("нет даты", "no date"),
    "bad_date": Text("дата не распознана или невозможна", "the date is not recognised or impossible"),
    "no_amount": Text("нет суммы", "no amount"),
    "bad_amount": Text("сумма не является числом", "the amount is not a number"),
    "nonpositive_price": Text(
        "цена не больше нуля ([reading] drop_nonpositive_price)",
        "the price is not above zero ([reading] drop_nonpositive_price)",
    ),
    "returned": Text(
        "продажа вернулась целиком ([reading] returned_rows)", "the sale came back whole ([reading] returned_rows)"
    ),
    "return_dropped": Text(
        "возврат исключён настройкой ([reading] drop_returns)",
        "a return, left out by the settings ([reading] drop_returns)",
    ),
    "foreign_currency": Text("сумма в другой валюте", "the amount is in another currency"),
    "dispatch_return": Text(
        "возврат среди документов отгрузки: продажей и отгрузкой не считается",
        "a return among dispatch documents: neither a sale nor a dispatch",
    ),
    "future_date": Text("дата в будущем", "the date is in the future"),
    "outside_period": Text("дата вне периода аудита ([period])", "the date is outside the audit's period ([period])"),
    "payment": Text(
        "оплата, а не продажа ([reading] payment_files)", "a payment and no sale ([reading] payment_files)"
    ),
    "same_sale": Text(
        "та же продажа есть в другом файле ([reading] same_sales)",
        "the same sale stands in another file ([reading] same_sales)",
    ),
    "repeated_row": Text(
        "повтор строки того же файла ([reading] repeated_rows)",
        "the row repeats one of the same file ([reading] repeated_rows)",
    ),
    "duplicate_document": Text(
        "тот же документ уже прочитан из другого файла ([reading] duplicates)",
        "the same document was already read from another file ([reading] duplicates)",
    ),
    "dispatch_dated": Text(
        "документ отгрузки: дата взята в заказ", "a dispatch document: its date was given to the order"
    ),
    "dispatch_no_order": Text("документ отгрузки: заказ не найден", "a dispatch document: its order was not found"),
}
"""Reason codes in the order in which they are tried; a row gets the first that applies."""

DISPATCHED = frozenset({"dispatch_dated", "dispatch_no_order"})
"""Reasons of rows whose sale stands elsewhere: their money is not set aside, the order carries it."""

_PLAIN_NUMBER = re.compile(r"[+-]?\d[\d\s.,]*%?")
_LINE_ENDS = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_FORMULA = re.compile(r"(^|[;,\t])(?=(?:[^\S\t]|\")*[=+\-@＝＋－＠])")
"""Where a cell begins that a spreadsheet would calculate, whichever of the three delimiters it splits the line at."""


def _marked(value: str) -> str:
    return _FORMULA.sub(r"\1'", _LINE_ENDS.sub(" ", value))


@lru_cache(maxsize=50_000)
def neutral(value: str | None) -> str:
    """Return a cell that a spreadsheet shows as text: what it would take for a formula gets an apostrophe.

    The spreadsheet may split lines at a semicolon, a comma or a tab, so this holds for the pieces of a value too. A
    plain signed number stays as it is. Line ends become spaces, so that one rejected row is one line.
    """
    if value is None:
        return ""
    return value if _PLAIN_NUMBER.fullmatch(value) and not _LINE_ENDS.search(value) else _marked(value)


class RejectedRows:
    """Writes ``rejected_rows.csv``: file, row, column, value, reason_code, reason. One line per row set aside.

    ``append`` goes on with a file that was begun before.
    """

    def __init__(self, path: Path, lang: Lang, *, append: bool = False) -> None:
        self._file = (
            path.open("a", encoding="utf-8", newline="") if append else path.open("w", encoding="utf-8-sig", newline="")
        )
        self._csv = csv.writer(self._file, lineterminator="\r\n")
        if not append:
            self._csv.writerow(("file", "row", "column", "value", "reason_code", "reason"))
        self._reason = {code: text.get(lang) for code, text in REASONS.items()}
        self.rows = 0

    def write(self, file: str, rows: Iterable[tuple[int, str | None, str | None, str]]) -> None:
        """Append rows of one file: row number, column header, value, reason code."""
        name = _marked(file)  # the line begins with it: not even a number may stay
        reason = self._reason

        def lines() -> Iterable[tuple[str, int, str, str, str, str]]:
            for row, column, value, code in rows:
                self.rows += 1
                yield name, row, neutral(column), neutral(value), code, reason[code]

        self._csv.writerows(lines())

    def __enter__(self) -> RejectedRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
