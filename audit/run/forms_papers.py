"""Forms that begin with a chapter's figures: portraits of key clients, «our client», hand-off acts, the second purchase."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.chapters import diagnose_chapter
from audit.chapters.keys.sections import portrait
from audit.errors import Lang, Text
from audit.ground.key_clients import key_clients
from audit.ground.people import labels, person_labels, staff_now
from audit.method import method
from audit.model.questionnaire import TABLES, options
from audit.present.blocks import Col, join, table
from audit.present.format import Fmt
from audit.present.forms_asked import Asked
from audit.present.forms_sheets import FormColumn, FormSheet, Kind, write_form
from audit.present.forms_workbook import PREFILLED_HANDOFFS
from audit.present.pdf import write_pdf
from audit.present.report import ReportContext, frame_documents

__all__ = ["write_acts", "write_our_client", "write_portraits", "write_second_route"]

_TEN = 10
_ROUTE_DAYS = (30, 60, 90)


def _say(lang: Lang, ru: str, en: str) -> str:
    return ru if lang == "ru" else en


# ---- portraits of key clients


def write_portraits(asked: Asked) -> list[Path]:
    """Write a page on each key client, HTML and PDF."""
    case, lang = asked.case, asked.lang
    assert case is not None
    view = diagnose_chapter(case, "keys")
    people = {p.code for p in asked.people}
    everybody = len(staff_now(case.questionnaire.table("staff"), case.window.as_of, 1.0)) == len(people)
    clients = [c for c in key_clients(case) if everybody or c.lead in people or (c.lead is None and c.seller in people)]
    if not clients:
        return []
    title = _say(lang, "Портреты ключевых клиентов", "Portraits of key clients")
    pages = [(f"client-{i}", c.name, portrait(view, c, i, title=False).html) for i, c in enumerate(clients, 1)]
    context = ReportContext(
        lang=lang,
        company=case.company_name,
        title=title,
        currency=case.currency,
        period={"start": case.window.start.isoformat(), "end": case.window.as_of.isoformat()},
        consultant=case.settings.report.consultant,
        accent=case.settings.report.accent,
        confidentiality=case.settings.report.confidentiality,
    )
    lead = _say(
        lang,
        "По странице на клиента: история по заказам, кто ведёт и подхватит, что о нём знаем, план и следующие шаги.",
        "A page a client: the history by the orders, lead and backup, what is known, the plan and the next steps.",
    )
    who = [c.lead or c.seller for c in clients]
    names = labels(case, [w for w in who if w])
    by_orders = _say(lang, " (по заказам)", " (by the orders)")
    rows = [
        {"name": c.name, "lead": names.get(w, w) + ("" if c.lead else by_orders) if w else None, "revenue": c.revenue}
        for c, w in zip(clients, who, strict=True)
    ]
    listed = table(
        pd.DataFrame(rows),
        [
            Col("name", _say(lang, "Клиент", "Client")),
            Col("lead", _say(lang, "Ведёт", "Lead")),
            Col("revenue", _say(lang, "Выручка за 12 месяцев", "Revenue of 12 months"), "money"),
        ],
        fmt=Fmt(lang, case.currency),
        sortable=False,
        wide=False,
    )
    made = frame_documents(context, join([Markup("<p>{}</p>").format(lead), listed]), pages, apart=True)
    page, paper = asked.folder / "key_portraits.html", asked.folder / "key_portraits.pdf"
    page.write_text(made.html, encoding="utf-8", newline="\n")
    write_pdf(made.paper, paper)
    return [page, paper] if paper.is_file() else [page]


# ---- hand-off acts


_PACK: dict[str, Text] = {
    "FILE": Text(
        "сверить с файлом «Досье ключевых клиентов»; чего нет — дописать вместе", "check against the key client file"
    ),
    "HISTORY": Text("заказы, возвраты, рекламации за два года", "orders, returns, complaints of two years"),
    "AGREEMENTS": Text("цены, отсрочка, сроки, устные обещания", "prices, credit, times, promises made by word"),
    "CONTACTS": Text("кто решает, кто заказывает, кто платит; дни рождения и темы", "who decides, orders, pays"),
    "OPEN_ORDERS": Text("что в пути, что обещано и к какому дню", "what is under way, what was promised and by when"),
    "PLAN": Text("цели и действия дальше этого года", "aims and actions beyond this year"),
}


def write_acts(asked: Asked) -> list[Path]:
    """Write the act of handing a client over, a sheet for every pair of roles that hands over."""
    lang = asked.lang
    rows = asked.questionnaire.table("handoffs").to_dict("records")
    pairs = {(str(r["from_role"]), str(r["to_role"])): r for r in rows}
    roles = method().roles
    sheets = []
    for (a, b), rule in (pairs or {p: {} for p in PREFILLED_HANDOFFS}).items():
        giver, taker = (roles[x].short.get(lang) if x in roles else x for x in (a, b))
        sheets.append(
            FormSheet(
                f"{giver} → {taker}",
                _say(lang, f"Акт передачи клиента: {giver} → {taker}", f"Hand-off act: {giver} → {taker}"),
                _say(
                    lang,
                    "Передача окончена, когда подписали оба, а клиент знаком с новым менеджером. Акт остаётся в компании.",
                    "The hand-off ends when both have signed and the client knows the new manager. The act stays here.",
                ),
                pd.DataFrame(_act(rule, lang), columns=["part", "what", "note", "mark"]),
                [
                    FormColumn("part", _say(lang, "Раздел", "Part"), width=13),
                    FormColumn("what", _say(lang, "Что", "What"), width=36),
                    FormColumn("note", _say(lang, "Как договорились", "As agreed"), width=46),
                    FormColumn(
                        "mark", _say(lang, "Передано, дата, замечания", "Handed over, date, remarks"), "answer", 44
                    ),
                ],
                least=24,
            )
        )
    path = asked.folder / "handoff_acts.xlsx"
    write_form(path, lang, _say(lang, "Акты передачи клиентов", "Hand-off acts"), sheets)
    return [path]


def _act(rule: Any, lang: Lang) -> list[tuple[str, str, str, None]]:
    spec = TABLES["handoffs"]

    def told(key: str) -> str:
        value = rule.get(key)
        column = spec.column(key)
        assert column is not None
        if value is None or value == () or value != value:
            return ""
        return options(column)[value].get(lang) if isinstance(value, str) and value in options(column) else f"{value:g}"

    who, rule_name, pack, end = (
        Text(ru, en).get(lang)
        for ru, en in (("Кто и кого", "Who and whom"), ("Правило", "Rule"), ("Пакет", "Pack"), ("Итог", "End"))
    )
    out: list[tuple[str, str, str, None]] = [
        (who, _say(lang, ru, en), "", None)
        for ru, en in (
            ("Клиент и его код", "Client and key"),
            ("Передаёт", "Hands over"),
            ("Принимает", "Receives"),
            ("Дата начала передачи", "Day the hand-off begins"),
        )
    ]
    for key in ("trigger", "k", "form", "deadline_days", "pay_after"):
        column = spec.column(key)
        assert column is not None
        if key != "k" or told(key):
            said = told(key) or _say(lang, "не договорились: впишите", "not agreed: write it in")
            out.append((rule_name, Text(column.ru, column.en).get(lang), said, None))
    named = options(next(c for c in spec.columns if c.key == "pack"))
    agreed = set(rule.get("pack") or ())
    for code, hint in _PACK.items():
        label = named[code].get(lang)
        must = _say(lang, "по правилу; ", "by the rule; ") if code in agreed else ""
        out.append((pack, label[:1].upper() + label[1:], must + hint.get(lang), None))
    for ru, en, note_ru, note_en in (
        (
            "Клиент знаком с новым менеджером",
            "The client knows the new manager",
            "дата, кто был",
            "date, who was there",
        ),
        ("Первый заказ у нового менеджера", "First order with the new manager", "дата, сумма", "date, amount"),
        ("Проверка через 30 дней", "Check after 30 days", "клиент доволен?", "is the client content?"),
        ("Подпись передавшего", "Signature of who handed over", "", ""),
        ("Подпись принявшего", "Signature of who received", "", ""),
    ):
        out.append((end, _say(lang, ru, en), _say(lang, note_ru, note_en), None))
    return out


# ---- our client


_FIELDS: tuple[Text, ...] = (
    Text("Отрасль и чем занят", "Industry and business"),
    Text("Размер: выручка, люди, площадки", "Size: revenue, people, sites"),
    Text("Что у нас покупает и зачем", "What is bought from us, and why"),
    Text("Сколько и как часто заказывает", "How much and how often"),
    Text("Кто решает и по чему выбирает", "Who decides, and by what"),
    Text("Чего требует: сроки, документы, цена", "Demands: time, papers, price"),
    Text("Чем мы для него лучше других", "Why we are better for them"),
    Text("Как нас находит", "How we are found"),
    Text("Что может купить ещё", "What else can be bought"),
    Text("Признаки «не нашего»: кому отказываем", "Signs of “not ours”: whom we refuse"),
)


def _value(clients: pd.DataFrame) -> tuple[str, Text]:
    """Return the column by which clients are ranked and what it is: contribution where the cost of work is known."""
    for column, text in (
        ("contribution", Text("тому, что остаётся после работы над заказами", "what is left after the work of orders")),
        (
            "gross_profit",
            Text("валовой прибыли (стоимость работы неизвестна)", "gross profit (the cost of work is not known)"),
        ),
    ):
        if column in clients.columns and clients[column].notna().mean() >= 0.5:
            return column, text
    return "revenue", Text("выручке (прибыль неизвестна)", "revenue (profit is not known)")


def write_our_client(asked: Asked) -> list[Path]:
    """Write the ten best and ten worst clients side by side, and the fields of the portrait of «our client»."""
    case, lang = asked.case, asked.lang
    assert case is not None
    clients = diagnose_chapter(case, "base").tables["clients"]
    by, by_text = _value(clients)
    known = clients[clients[by].notna()].sort_values([by, "client_key"], ascending=[False, True])
    n = min(_TEN, len(known) // 2)
    if n == 0:
        return []
    best, worst = known.head(n), known.tail(n).iloc[::-1]
    fmt = Fmt(lang, case.currency)
    side = _side_by_side(best, worst, by, fmt)
    groups = (_say(lang, "лучшие", "best"), _say(lang, "худшие", "worst"))
    listed = pd.concat([best.assign(group=groups[0]), worst.assign(group=groups[1])], ignore_index=True)
    names = {
        "client_name": _say(lang, "Клиент", "Client"),
        "segment": _say(lang, "Сегмент", "Segment"),
        "revenue": _say(lang, "Выручка за 12 месяцев", "Revenue of 12 months"),
        "margin_share": _say(lang, "Валовая маржа", "Gross margin"),
        "service_cost": _say(lang, "Работа над заказами", "Work of the orders"),
        "contribution": _say(lang, "Остаётся после неё", "Left after it"),
        "orders": _say(lang, "Заказов", "Orders"),
        "returns": _say(lang, "Возвратов", "Returns"),
        "claims": _say(lang, "Рекламаций", "Complaints"),
        "first_day": _say(lang, "Первый заказ", "First order"),
    }
    kinds: dict[str, Kind] = {
        "revenue": "money",
        "service_cost": "money",
        "contribution": "money",
        "margin_share": "share",
        "orders": "count",
        "returns": "count",
        "claims": "count",
        "first_day": "date",
    }
    cols = [FormColumn("group", _say(lang, "Кто", "Which"), width=10)]
    for key, label in names.items():
        if key in listed.columns and listed[key].notna().any():
            cols.append(FormColumn(key, label, kinds.get(key, "text"), 34 if key == "client_name" else 15))
    note = _say(lang, f"Отобраны по {by_text.ru}.", f"Chosen by {by_text.en}.")
    sheets = [
        FormSheet(
            _say(lang, "Портрет", "Portrait"),
            _say(lang, "Портрет «нашего» клиента", "Portrait of “our client”"),
            _say(
                lang,
                "Смотрите листы справа: что общего у лучших, чего нет у худших. Готовый портрет отметьте в анкете.",
                "See the sheets to the right: what the best share and the worst lack. Tick it in the questionnaire.",
            ),
            pd.DataFrame([{"field": t.get(lang)} for t in _FIELDS]),
            [
                FormColumn("field", _say(lang, "Поле", "Field"), width=38),
                FormColumn("ours", _say(lang, "Наш клиент", "Our client"), "answer", 50),
                FormColumn("not_ours", _say(lang, "Не наш", "Not ours"), "answer", 50),
            ],
            least=38,
        ),
        FormSheet(
            _say(lang, "Лучшие рядом с худшими", "Best beside worst"),
            _say(lang, f"Обычные значения: {n} лучших и {n} худших", f"Usual values: the {n} best and the {n} worst"),
            note + " " + _say(lang, "Медианы; сегменты — самые частые.", "Medians; the most frequent segments."),
            side,
            [
                FormColumn("name", _say(lang, "Признак", "Mark"), width=34),
                FormColumn("best", groups[0].capitalize(), width=40),
                FormColumn("worst", groups[1].capitalize(), width=40),
            ],
        ),
        FormSheet(
            _say(lang, "Список", "List"),
            _say(lang, f"{n} лучших и {n} худших клиентов", f"The {n} best and {n} worst clients"),
            note,
            listed,
            cols,
        ),
    ]
    path = asked.folder / "our_client.xlsx"
    write_form(path, lang, _say(lang, "Портрет «нашего» клиента", "Portrait of “our client”"), sheets)
    return [path]


def _side_by_side(best: pd.DataFrame, worst: pd.DataFrame, by: str, fmt: Fmt) -> pd.DataFrame:
    lang = fmt.lang
    rows = []

    def add(name: str, told: Any) -> None:
        rows.append({"name": name, "best": told(best), "worst": told(worst)})

    def middle(column: str) -> Any:
        return lambda part: part[column].astype(float).median()

    def per_order(part: pd.DataFrame, column: str) -> float:
        return float((part[column] / part["orders"].clip(lower=1)).median())

    add(_say(lang, "Выручка за 12 месяцев", "Revenue of 12 months"), lambda p: fmt.money(middle("revenue")(p)))
    add(
        _say(lang, "Средний заказ", "Mean order"),
        lambda p: fmt.money((p["revenue"] / p["orders"].clip(lower=1)).median()),
    )
    add(_say(lang, "Заказов", "Orders"), lambda p: fmt.num(middle("orders")(p)))
    add(
        _say(lang, "Строк в заказе", "Lines an order"),
        lambda p: fmt.num((p["order_lines"] / p["orders"].clip(lower=1)).median(), 1),
    )
    add(_say(lang, "Валовая маржа", "Gross margin"), lambda p: fmt.share(middle("margin_share")(p)))
    if by == "contribution":
        add(_say(lang, "Работа над заказами", "Work of the orders"), lambda p: fmt.money(middle("service_cost")(p)))
        add(_say(lang, "Остаётся после неё", "Left after it"), lambda p: fmt.money(middle("contribution")(p)))
    add(_say(lang, "Возвратов на клиента", "Returns a client"), lambda p: fmt.num(p["returns"].mean(), 1))
    add(_say(lang, "Рекламаций на клиента", "Complaints a client"), lambda p: fmt.num(p["claims"].mean(), 1))
    if best["segment"].notna().any():
        add(_say(lang, "Сегменты", "Segments"), lambda p: ", ".join(p["segment"].dropna().value_counts().index[:3]))
    add(_say(lang, "Клиент с", "Client since"), lambda p: fmt.month(pd.to_datetime(p["first_day"]).median()))
    return pd.DataFrame(rows)


# ---- the second purchase

_ASK: dict[int, tuple[Text, ...]] = {
    30: (
        Text("Всё ли пришло, в срок ли, как документы?", "Did all arrive, in time, with papers in order?"),
        Text("Как товар показал себя в деле?", "How did the goods do at work?"),
        Text("Кто у вас теперь решает о следующем заказе и когда?", "Who decides about the next order, and when?"),
    ),
    60: (
        Text("Что собираетесь покупать в ближайшие два месяца?", "What are you going to buy in the next two months?"),
        Text("Чего не хватило, чтобы заказать снова у нас?", "What was missing to order from us again?"),
        Text("Что ещё из нашего ассортимента вам подходит?", "What else of our range would suit you?"),
    ),
    90: (
        Text("У кого купили вместо нас и почему?", "From whom did you buy instead, and why?"),
        Text("При каком условии вернётесь?", "On what condition would you come back?"),
        Text("Решить: ведём дальше, отдаём на почту или отпускаем", "Decide: go on, leave to mailings, or let go"),
    ),
}


def write_second_route(asked: Asked) -> list[Path]:
    """Write the list of first buyers without a second purchase: days 30, 60, 90, who calls, what to ask.

    First buyers of the last 12 months; the one whose call is due next comes first. Nothing where a deal is made once.
    """
    case, lang = asked.case, asked.lang
    assert case is not None
    if case.project_sales:
        return []
    w = case.window
    rows = case.query(
        "SELECT c.client_key, c.client_name, c.first_day, d.revenue, d.manager FROM clients c "
        "JOIN client_day d ON d.client_key = c.client_key AND d.day = c.first_day "
        "WHERE c.order_days = 1 AND c.first_day >= {{ lit(since) }} ORDER BY c.first_day, c.client_key",
        since=max(w.recent_start, w.new_from),
    )
    if rows.empty:
        return []
    here = {str(p) for p in staff_now(case.questionnaire.table("staff"), w.as_of, 1.0)["person"]}
    managers = [None if m is None or m != m else str(m) for m in rows["manager"]]
    names = person_labels(case, [m for m in managers if m])
    mine = {p.code for p in asked.people}
    first = [pd.Timestamp(d).date() for d in rows["first_day"]]
    table_ = rows.assign(
        first=first,
        who=[names.get(m, m) if m in here else _say(lang, "назначить", "to be named") for m in managers],
        code=pd.Series(managers, index=rows.index, dtype=object),
        age=[(w.as_of - d).days for d in first],
        **{f"day{k}": [d + dt.timedelta(days=k) for d in first] for k in _ROUTE_DAYS},
    )
    if len(mine) < len(here):
        table_ = table_[table_["code"].isin(mine)]
        if table_.empty:
            return []
    table_["next"] = [_due(int(a), lang) for a in table_["age"]]
    table_ = table_.assign(late=table_["age"] > _ROUTE_DAYS[-1]).sort_values(
        ["late", "age", "client_key"], ascending=[True, False, True]
    )
    cols = [
        FormColumn("client_name", _say(lang, "Клиент", "Client"), width=30),
        FormColumn("client_key", _say(lang, "Код", "Key"), width=13),
        FormColumn("first", _say(lang, "Первая покупка", "First purchase"), "date", 12),
        FormColumn("revenue", _say(lang, "На сумму", "Amount"), "money", 12),
        FormColumn("who", _say(lang, "Кто звонит", "Who calls"), width=12),
        FormColumn("next", _say(lang, "Что сейчас", "What is due"), width=20),
        *(FormColumn(f"day{k}", _say(lang, f"День {k}", f"Day {k}"), "date", 12) for k in _ROUTE_DAYS),
        *(
            FormColumn(f"said{k}", _say(lang, f"Что сказал, день {k}", f"What was said, day {k}"), "answer", 24)
            for k in _ROUTE_DAYS
        ),
        FormColumn("second", _say(lang, "Второй заказ или отказ, дата", "Second order or refusal, date"), "answer", 18),
    ]
    asks = [
        {"day": _say(lang, f"День {k}", f"Day {k}"), "ask": q.get(lang)} for k, several in _ASK.items() for q in several
    ]
    n = len(table_)
    sheets = [
        FormSheet(
            _say(lang, "Маршрут", "Route"),
            _say(lang, f"Второй покупки ещё нет: {n}", f"Still without a second purchase: {n}"),
            _say(
                lang,
                f"Первые покупатели последних 12 месяцев на {w.as_of:%d.%m.%Y}. Звонок записывайте в день звонка.",
                f"First buyers of the last 12 months as of {w.as_of:%d.%m.%Y}. Write a call down on its day.",
            ),
            table_,
            cols,
            least=26,
        ),
        FormSheet(
            _say(lang, "Что спросить", "What to ask"),
            _say(lang, "Три звонка и их вопросы", "Three calls and their questions"),
            "",
            pd.DataFrame(asks),
            [
                FormColumn("day", _say(lang, "Когда", "When"), width=12),
                FormColumn("ask", _say(lang, "Вопрос", "Question"), width=70),
            ],
        ),
    ]
    path = asked.folder / "second_purchase.xlsx"
    write_form(path, lang, _say(lang, "Маршрут второй покупки", "Second-purchase route"), sheets)
    return [path]


def _due(age: int, lang: Lang) -> str:
    ahead = next((k for k in _ROUTE_DAYS if age <= k), None)
    if ahead is None:
        return _say(lang, f"прошёл {age}-й день: решить, ведём ли", f"day {age}: decide whether to go on")
    return _say(lang, f"звонок дня {ahead} через {ahead - age} дн.", f"call of day {ahead} in {ahead - age} days")
