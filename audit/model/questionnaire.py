"""The questionnaire: the client's answers as typed tables (contracts, section 3).

This module says what the tables are and how their answers are worded; reading files into it is
`audit.intake.questionnaire`, the blank form is `audit.present.forms`.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from audit.errors import Text
from audit.method import method

__all__ = [
    "COMPANY_KEYS",
    "PLAN_ITEMS",
    "PREFILLED_MARK",
    "TABLES",
    "Column",
    "Problem",
    "Questionnaire",
    "Returned",
    "TableSpec",
    "answer_list",
    "fold",
    "names_no_role",
    "options",
]

Kind = Literal["text", "number", "share", "int", "date", "time", "yesno", "yesnopartly", "code", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One key of a table: its kind, whether it must be filled, which codes it allows."""

    key: str
    kind: Kind
    ru: str
    en: str
    required: bool = False
    codes: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    default: float | None = None
    person: bool = False
    """Whether the cell names somebody of the staff sheet."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One sheet of the questionnaire."""

    name: str
    ru: str
    en: str
    columns: tuple[Column, ...]
    required: bool = False
    """Whether the audit can say little without it (it still runs)."""
    prefilled: tuple[str, ...] = ()
    """Keys that the blank form fills in beforehand; a row of the form with nothing else in it says nothing."""

    def column(self, key: str) -> Column | None:
        """Return the column of that key."""
        return next((c for c in self.columns if c.key == key), None)


_TYPES = ("T", "TC", "C", "S", "CS")

COMPANY_KEYS = (
    Column("name", "text", "Название компании", "Company name", required=True),
    Column("sale_type", "code", "Тип продаж", "Type of sale", codes=(*_TYPES, "unknown")),
    Column("complexity", "int", "Сложность продукта, 1–4 (1 — простой)", "Complexity, 1–4 (1 low)", low=1, high=4),
    Column("clients_on_market", "int", "Сколько клиентов на рынке", "Clients on the market", low=0),
    Column("price_level", "int", "Уровень цены, 1–4 (1 — низкий)", "Price level, 1–4 (1 low)", low=1, high=4),
    Column(
        "handoff_after", "int", "После какой покупки СР передаёт клиента КМ", "Hand-off after purchase number", low=1
    ),
    Column("project_sales", "yesno", "Продажи проектные (сделка с клиентом бывает один раз)", "Project sales"),
    Column("client_profile", "yesnopartly", "Есть письменный портрет «нашего» клиента", "Written client profile"),
    Column(
        "support_sits",
        "code",
        "Где находится поддержка",
        "Where support sits",
        codes=("inside", "outside", "both", "none"),
    ),
    Column("minutes_per_order", "number", "Минут на ввод шапки заказа", "Minutes to enter an order head", low=0),
    Column("minutes_per_line", "number", "Минут на ввод строки заказа", "Minutes to enter an order line", low=0),
    Column("currency", "text", "Валюта", "Currency"),
    Column(
        "hours_per_month", "number", "Часов в месяц на ставку", "Hours per month per FTE", low=1, high=744, default=160
    ),
    Column("touches_per_client_month", "number", "Касаний на клиента в месяц", "Touches per client per month", low=0),
    Column(
        "touches_a", "number", "Касаний в месяц: растить и беречь (A)", "Touches a month: grow and guard (A)", low=0
    ),
    Column("touches_b", "number", "Касаний в месяц: беречь (B)", "Touches a month: guard (B)", low=0),
    Column(
        "touches_c", "number", "Касаний в месяц: растить выборочно (C)", "Touches a month: grow selectively (C)", low=0
    ),
    Column(
        "touches_d", "number", "Касаний в месяц: обслуживать дёшево (D)", "Touches a month: serve cheaply (D)", low=0
    ),
    Column("minutes_per_touch", "number", "Минут на касание", "Minutes per touch", low=0),
    Column("vat_basis", "code", "Суммы без НДС или с НДС", "Amounts net or gross of VAT", codes=("net", "gross")),
    Column("gross_margin_share", "share", "Валовая маржа, доля выручки", "Gross margin share", low=0, high=1),
    Column("hire_once", "number", "Расходы на найм одного человека", "Cost of hiring one person", low=0),
    Column("automation_once", "number", "Автоматизация ввода заказов: разово", "Automating order entry, once", low=0),
    Column("automation_year", "number", "Автоматизация ввода заказов: в год", "Automating order entry, a year", low=0),
)
"""Keys of the ``company`` table, which is a list of key and value."""

PLAN_ITEMS = (
    ("plan_aims", "В плане: цели за пределами года", "Plan: aims beyond the year"),
    ("plan_actions", "В плане: действия у клиента", "Plan: actions with the client"),
    ("plan_own_actions", "В плане: действия нашей компании", "Plan: our company's own actions"),
    ("plan_budget", "В плане: бюджет", "Plan: budget"),
    ("plan_dates", "В плане: сроки", "Plan: dates"),
    ("plan_owner", "В плане: ответственный", "Plan: who is responsible"),
    ("plan_agreed", "План согласован с руководителем", "Plan agreed with the superior"),
)
"""The seven items of a long-term plan, each a question of its own: key, Russian and English label."""

TABLES: Mapping[str, TableSpec] = MappingProxyType(
    {
        t.name: t
        for t in (
            TableSpec(
                "company",
                "Компания",
                "Company",
                (Column("key", "text", "Ключ", "Key", required=True), Column("value", "text", "Значение", "Value")),
                required=True,
            ),
            TableSpec(
                "sale_types",
                "Типы продаж",
                "Types of sale",
                (
                    Column("dimension", "code", "Признак", "Dimension", required=True, codes=("segment", "sku_group")),
                    Column("value", "text", "Значение признака", "Value", required=True),
                    Column("sale_type", "code", "Тип продаж", "Type of sale", required=True, codes=_TYPES),
                ),
            ),
            TableSpec(
                "staff",
                "Сотрудники",
                "Staff",
                (
                    Column("person", "text", "Код сотрудника", "Person code", required=True),
                    Column("name", "text", "ФИО", "Name"),
                    Column("title", "text", "Должность", "Title"),
                    Column("role", "code", "Роль", "Role", required=True, codes=("@roles",)),
                    Column("role2", "code", "Вторая роль", "Second role", codes=("@roles",)),
                    Column("reports_to", "text", "Руководитель (код)", "Reports to (code)", person=True),
                    Column("fte", "number", "Ставка", "FTE", low=0, high=2, default=1),
                    Column("hours_month", "number", "Часов в месяц", "Hours per month", low=0, high=744),
                    Column("cost_month", "number", "Стоимость в месяц", "Cost per month", low=0),
                    Column("start", "date", "Работает с", "Start"),
                    Column("end", "date", "Работал до", "End"),
                    Column("aliases", "list", "Логины и написания в заказах", "Logins and spellings in the orders"),
                ),
                required=True,
                prefilled=("person",),
            ),
            TableSpec(
                "time",
                "Время",
                "Time",
                (
                    Column("person", "text", "Код сотрудника", "Person code", required=True, person=True),
                    Column(
                        "function",
                        "code",
                        "Функция или группа",
                        "Function or group",
                        required=True,
                        codes=("@functions", "@groups"),
                    ),
                    Column("share", "share", "Доля времени", "Share of time", required=True, low=0, high=1),
                    Column("confidence", "int", "Уверенность, 1–3", "Confidence, 1–3", low=1, high=3),
                ),
                required=True,
            ),
            TableSpec(
                "day_log",
                "Фотография дня",
                "Day log",
                (
                    Column("person", "text", "Код сотрудника", "Person code", required=True, person=True),
                    Column("date", "date", "Дата", "Date", required=True),
                    Column("start", "time", "Начало", "Start", required=True),
                    Column("end", "time", "Конец", "End", required=True),
                    Column("function", "code", "Функция", "Function", required=True, codes=("@functions", "@groups")),
                    Column("initiator", "code", "Инициатор", "Initiator", codes=("IN", "OUT", "INT", "SYS")),
                    Column("client", "text", "Клиент", "Client"),
                    Column("interrupted", "yesno", "Прервано", "Interrupted"),
                ),
            ),
            TableSpec(
                "handoffs",
                "Передачи",
                "Hand-offs",
                (
                    Column("from_role", "code", "От роли", "From role", required=True, codes=("@roles",)),
                    Column("to_role", "code", "К роли", "To role", required=True, codes=("@roles",)),
                    Column("trigger", "code", "Когда передаём", "Trigger", codes=("@triggers",)),
                    Column("k", "int", "После какой покупки", "After purchase number", low=1),
                    Column("amount", "number", "При какой сумме", "At amount", low=0),
                    Column("days", "number", "Через сколько дней", "After days", low=0),
                    Column("form", "code", "Форма", "Form", codes=("SCRIPT", "LETTER", "JOINT", "GRADUAL", "NONE")),
                    Column(
                        "pack",
                        "list",
                        "Что передаём",
                        "Pack",
                        codes=("FILE", "HISTORY", "AGREEMENTS", "CONTACTS", "OPEN_ORDERS", "PLAN"),
                    ),
                    Column("deadline_days", "number", "Срок передачи, дней", "Deadline, days", low=0),
                    Column(
                        "pay_after", "code", "Оплата после передачи", "Pay after", codes=("KEEP", "FADE", "STOP", "NEG")
                    ),
                    Column("documented", "yesnopartly", "Описано письменно", "Documented"),
                ),
                prefilled=("from_role", "to_role"),
            ),
            TableSpec(
                "self_check",
                "Самопроверка",
                "Self-check",
                (
                    Column("question", "int", "Вопрос", "Question", required=True, low=1, high=8),
                    Column("answer", "code", "Ответ", "Answer", required=True, codes=("yes", "no", "unknown")),
                ),
                prefilled=("question",),
            ),
            TableSpec(
                "key_clients",
                "Ключевые клиенты",
                "Key clients",
                (
                    Column("client_id", "text", "Код клиента", "Client key", required=True),
                    Column(
                        "criterion",
                        "code",
                        "Признак",
                        "Criterion",
                        codes=("BIG", "LOYAL", "PERSP", "STATUS", "PARTNER", "HARD"),
                    ),
                    Column("influence", "yesno", "Менеджер может влиять", "Influence"),
                    Column("lead", "text", "Ведёт (код)", "Lead (code)", required=True, person=True),
                    Column("backup", "text", "Дублёр (код)", "Backup (code)", person=True),
                    Column("file_share", "share", "Досье заполнено, доля", "File share", low=0, high=1),
                    Column(
                        "decision_maker_known", "yesno", "ЛПР известен (кто принимает решение)", "Decision maker known"
                    ),
                    Column("contacts", "int", "Контактов", "Contacts", low=0),
                    Column(
                        "buying_centre_share",
                        "share",
                        "Закупочный центр заполнен, доля",
                        "Buying centre share",
                        low=0,
                        high=1,
                    ),
                    Column("acquired_by", "text", "Кто привлёк (код)", "Acquired by (code)", person=True),
                    Column("pay_rate", "code", "Ставка оплаты", "Pay rate", codes=("lower", "same", "higher")),
                    Column("nps", "number", "NPS, 0–10", "NPS, 0–10", low=0, high=10),
                    Column("plan", "yesno", "Перспективный план есть", "Plan"),
                    *(Column(key, "yesno", ru, en) for key, ru, en in PLAN_ITEMS),
                    Column("plan_items", "int", "Пунктов плана, 0–7", "Plan items, 0–7", low=0, high=7),
                    Column("plan_horizon_months", "number", "Горизонт плана, месяцев", "Plan horizon, months", low=0),
                    Column("wallet_share", "share", "Наша доля в закупках", "Wallet share", low=0, high=1),
                    Column("annual_budget", "number", "Бюджет клиента в год", "Annual budget", low=0),
                ),
            ),
            TableSpec(
                "touches",
                "Касания",
                "Touches",
                (
                    Column("person", "text", "Код сотрудника", "Person code", required=True, person=True),
                    Column("date", "date", "Дата", "Date", required=True),
                    Column("client_id", "text", "Код клиента", "Client key", required=True),
                    Column("direction", "code", "Направление", "Direction", codes=("IN", "OUT")),
                    Column("kind", "text", "Вид", "Kind"),
                ),
            ),
            TableSpec(
                "processes",
                "Процессы и сервисы",
                "Processes and services",
                (
                    Column(
                        "process",
                        "code",
                        "Функция или сервис",
                        "Function or service",
                        required=True,
                        codes=("@functions", "@services"),
                    ),
                    Column("owner", "text", "Владелец (код)", "Owner (code)", person=True),
                    Column("backup", "text", "Дублёр (код)", "Backup (code)", person=True),
                    Column("written_rule", "yesnopartly", "Правило записано", "Written rule"),
                    Column("sla_days", "number", "Срок, дней", "Agreed days", low=0),
                    Column("failures_month", "number", "Сбоев в месяц", "Failures a month", low=0),
                ),
                prefilled=("process",),
            ),
            TableSpec(
                "pay",
                "Оплата",
                "Pay",
                (
                    Column("role", "code", "Роль", "Role", required=True, codes=("@roles",)),
                    Column("fixed_share", "share", "Оклад, доля дохода", "Fixed part of pay", low=0, high=1),
                    Column(
                        "pays_for",
                        "list",
                        "За что платим",
                        "What pay depends on",
                        codes=("FIRST", "REPEAT", "MARGIN", "KEY", "HANDOFF", "RETAIN"),
                    ),
                ),
                prefilled=("role",),
            ),
        )
    }
)
"""Every table. Codes that begin with ``@`` stand for a code list of the method."""


RETIRED_KEYS = frozenset({"sales_cycle_days", "цикл сделки, дней", "sales cycle, days"})
"""Questions that the sheet «Компания» once asked and nothing used: older answers are passed over in silence."""

PREFILLED_MARK = "prefilled"
"""Stands in the row of machine keys of a sheet whose ``prefilled`` keys the blank form has filled in."""

_QUOTES = str.maketrans("", "", "«»“”„\"'`")
_RANK = re.compile(r"^(старш\w*|ст|ведущ\w*|младш\w*|главн\w*|senior|junior|lead|chief)\.? +")


def fold(text: str) -> str:
    """Bring two spellings of one word together: NFKC, lower case, ё = е, no quotes, single blanks."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е").translate(_QUOTES)
    return " ".join(plain.replace("\u2212", "-").split())


_LOOKALIKE = str.maketrans("авсенкмортху", "abcehkmoptxy")


def alike(text: str) -> str:
    """Bring codes together that look the same: fold, and Cyrillic letters as the Latin ones they look like (КМ1, KM1)."""
    return fold(text).translate(_LOOKALIKE)


def answer_list(column: Column) -> str | None:
    """Name the list of the method's answers that a column offers, or None where the answer is free or a code list."""
    if column.kind in ("yesno", "yesnopartly"):
        return column.kind
    if column.codes == ("@roles",):
        return "role"
    return column.key if column.key in method().answers else None


@lru_cache(maxsize=256)
def options(column: Column) -> Mapping[str, Text]:
    """Return the codes that a column allows, in the order of the drop-down list, each with its wording.

    Empty for free text, numbers, dates. ``@roles`` leaves out ANY, which no person can be.
    """
    m = method()
    named = answer_list(column)
    if named is not None:
        answers = m.answers[named]
        codes = column.codes if column.codes and not column.codes[0].startswith("@") else tuple(answers)
        return MappingProxyType({code: answers[code].name for code in codes})
    out: dict[str, Text] = {}
    for code in column.codes:
        if code == "@functions":
            # A group stands before its functions, as on the time sheet.
            groups = m.groups if "@groups" in column.codes else {}
            for group in m.groups:
                if group in groups:
                    out[group] = Text(f"{m.groups[group].ru} — вся группа", f"{m.groups[group].en} — whole group")
                out.update({f: m.functions[f].name for f in m.functions_of(group)})
        elif code == "@triggers":
            out.update({k: t.name for k, t in m.triggers.items()})
        elif code == "@services":
            services = {k: Text(f"сервис: {s.ru}", f"service: {s.en}") for k, s in m.services.items()}
            out = {**services, **out}
        elif not code.startswith("@"):
            out[code] = Text(code, code)
    return MappingProxyType(out)


def names_no_role(title: str | None) -> bool:
    """Whether a job title says only «sales manager»: its holder may win clients, look after them or enter orders.

    Such a person's role in the audit is None until the client chooses; «менеджер по продажам полного цикла» is not
    such a title (it names the universal seller), a rank before it («старший», senior) changes nothing.
    """
    if not title:
        return False
    seller = method().answers["no_role"]["seller"]
    plain = fold(title).replace("-", " ")
    plain = _RANK.sub("", plain)
    if "полного цикла" in plain or "full cycle" in plain:
        return False
    bare = {fold(w) for w in (seller.ru, seller.en, *seller.also)}
    return plain in bare or any(plain.startswith(fold(w) + " ") for w in (seller.ru, seller.en))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in the questionnaire: where, what, what is allowed. ``fatal``: the audit must not go on."""

    table: str
    cell: str
    value: str
    text: Text
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Returned:
    """One file that came back from a person, and what was taken from it: ``rows = used + replaced + set aside``."""

    file: str
    table: str
    """day_log, time or key_clients."""
    people: tuple[str, ...] = ()
    """Codes of those it is about; of key clients, the lead's."""
    days: tuple[dt.date, ...] = ()
    """Days of a day log that are used."""
    clients: tuple[str, ...] = ()
    """Key clients answered for."""
    rows: int = 0
    used: int = 0
    replaced: int = 0
    """Rows of a person and day (of a client) for which a later file counts."""


@dataclass(frozen=True)
class Questionnaire:
    """The answers. A table that was not filled is absent from ``tables``; every given one has all its columns.

    ``staff.role`` is None for a person whose title names no role (`names_no_role`): that person's hours belong to
    nobody until the client chooses, and the audit says so (finding ``roles.ambiguous_title``). ``time`` is sorted by
    person (order of the staff sheet) and function (order of the code list); ``staff.fte`` is 1 where it was left
    blank. ``company`` holds the given answers only, typed as its columns are; the frame ``company`` has them as text.

    Column types in the frames: text, code → object strings with None; number, share, int → float with NaN;
    yesno → object True/False/None; yesnopartly → "yes"/"partly"/"no"/None; date → datetime64; time → minutes since
    midnight (float); list → tuple of strings.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    company: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    source: str = ""
    sha256: str = ""
    returned: tuple[Returned, ...] = ()
    """What came back from single persons beside the workbook, latest first within a kind."""

    def has(self, table: str) -> bool:
        """Whether the table has at least one row."""
        return table in self.tables and len(self.tables[table]) > 0

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, empty with its columns when it was not filled."""
        if name in self.tables:
            return self.tables[name]
        return pd.DataFrame({c.key: pd.Series(dtype=object) for c in TABLES[name].columns})

    def hours_per_month(self) -> float:
        """Hours a month of a full-time person."""
        return float(self.company.get("hours_per_month") or 160.0)
