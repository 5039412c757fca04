"""The page of ``km-audit check``: what the files say, what must be asked, what the audit will be able to judge.

One self-contained document in the report's frame. Everything shown comes from the client's files and is escaped; the
page computes nothing. Where the input cannot be used at all it still says why and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from audit.errors import Answer, AuditError, Lang, Text
from audit.method import method
from audit.model.case import Case
from audit.model.intake_report import FOREIGN, SERVICE, DuplicateClient, IntakeReport, PersonUse, SetAside
from audit.model.orders import field_name
from audit.model.questionnaire import COMPANY_KEYS, TABLES, Questionnaire
from audit.present.blocks import Col, callout, join, key_figures, table
from audit.present.explain import need_name
from audit.present.format import Fmt
from audit.present.report import ReportContext, frame_documents
from audit.present.returned import came, wanted
from audit.present.tick import Tick, judge
from audit.present.titles import chapter_title
from audit.settings import Settings

__all__ = [
    "HOW",
    "Prospect",
    "alias_lines",
    "answered",
    "by_chapter",
    "check_page",
    "merge_lines",
    "missing_needs",
    "refusal_page",
    "toml_string",
]

HOW: Mapping[str, Text] = {
    "mapped": Text("понят", "mapped"),
    "guessed": Text("угадан", "guessed"),
    "setting": Text("задан в audit.toml", "set in audit.toml"),
    "derived": Text("вычислен", "derived"),
    "not_used": Text("не нужен", "not used"),
    "unmapped": Text("не понят", "unmapped"),
}
_DELIMITERS: Mapping[str, Text] = {
    ";": Text("точка с запятой", "semicolon"),
    ",": Text("запятая", "comma"),
    "\t": Text("табуляция", "tab"),
    "|": Text("черта", "bar"),
}
_FORMATS: Mapping[str, Text] = {
    "html": Text("страница HTML (.xls)", "HTML page (.xls)"),
    "xml": Text("таблица XML", "XML spreadsheet"),
    "sql": Text("база данных", "database"),
}
_TITLE = Text("Проверка данных перед аудитом", "Check of the data before the audit")
_MOST_PAIRS = 30
_MOST_PEOPLE = 200
_MOST_COLUMNS = 300


def check_page(case: Case, findings: Mapping[str, Any], *, company: str, dated: str) -> str:
    """Return the page for inputs that could be read.

    ``findings`` is the content of findings.json in the language of the case's settings; ``dated`` is the day of
    the check, ISO. ``rejected_rows.csv`` is to lie beside the page.
    """
    page = _Page(case, findings)
    i = case.intake
    context = _context(case.settings, company, dated, case.currency).model_copy(
        update={"period": {"start": i.first_date.isoformat(), "end": i.last_date.isoformat()}}
    )
    chapters = [
        ("questions", page.say("Что уточнить", "What to settle"), page.questions()),
        ("files", page.say("Что прочитано", "What was read"), page.files()),
        ("columns", page.say("Как поняты столбцы", "How the columns were understood"), page.columns()),
        ("set-aside", page.say("Что отложено и почему", "What was set aside, and why"), page.set_aside()),
        ("people", page.say("Кто есть кто", "Who is who"), page.people()),
        ("questionnaire", page.say("Анкета", "Questionnaire"), page.questionnaire()),
        ("findings", page.say("Что удастся оценить", "What can be assessed"), page.assessable()),
    ]
    return frame_documents(context, page.front(), chapters).html


def data_tick(case: Case) -> Tick:
    """Return the verdict on the data of a case."""
    blank = not answered(case.questionnaire) and (case.folder / "questionnaire.json").is_file()
    return judge(case.intake, blank=blank)


def answered(q: Questionnaire) -> bool:
    """Whether anything is filled in a questionnaire."""
    return any(q.has(t) for t in TABLES) or bool(q.company)


@dataclass(frozen=True)
class Prospect:
    """What a run will say in one chapter: findings that can be assessed, of all, and what the others need."""

    title: str
    ready: int
    all: int
    needs: tuple[str, ...]


def _need(need: str, lang: Lang) -> str:
    """Name a need shortly: a sheet by its title."""
    part, _, name = need.partition(".")
    if part != "table":
        return need_name(need, lang)
    return f"«{TABLES[name].ru}»" if lang == "ru" else f"“{TABLES[name].en}”"


def by_chapter(case: Case, findings: Sequence[Mapping[str, Any]], lang: Lang) -> list[Prospect]:
    """Return what a run on these inputs will be able to say, chapter by chapter."""
    chapters: dict[str, list[Mapping[str, Any]]] = {}
    for f in findings:
        chapters.setdefault(f["id"].split(".")[0], []).append(f)
    out = []
    for chapter, found in chapters.items():
        missing = [f["id"] for f in found if f["status"] == "not_assessed"]
        needs = dict.fromkeys(_need(need, lang) for id in missing for need in missing_needs(case, id))
        out.append(Prospect(chapter_title(chapter, lang), len(found) - len(missing), len(found), tuple(needs)))
    return out


def _other(answer: Answer, lang: Lang) -> Markup:
    """Another possible answer with its lines of audit.toml."""
    means = Markup("<p>{}: {}</p>").format(_say(lang, "или", "or"), answer.means.get(lang))
    return join([means, _code(answer.lines)])


def refusal_page(error: AuditError, settings: Settings, *, company: str, dated: str, rejected: bool) -> str:
    """Return the page for inputs that cannot be used: what was found, where, what to do."""
    lang = settings.report.lang
    what, *rest = error.lines(lang)
    parts = [_lines(what), *(_lines(line) for line in rest)]
    answer = getattr(error, "answer", "")
    if answer:
        parts.append(Markup("<p>{}</p>").format(_say(lang, "Строка для audit.toml:", "Line for audit.toml:")))
        parts.append(_code(answer))
    parts.extend(_other(a, lang) for a in getattr(error, "others", ()))
    if rejected:
        parts.append(_rejected_link(lang))
    front = join(
        [
            Markup('<p class="km-verdict-sentence">{}</p>').format(
                _say(lang, "Пока эти данные использовать нельзя", "These data cannot be used yet")
            ),
            callout("", join(parts), "warning"),
        ]
    )
    again = _say(lang, "Исправьте и повторите: km-audit check", "Put it right and run again: km-audit check")
    chapters = [("next", _say(lang, "Что дальше", "What next"), Markup("<p>{}</p>").format(again))]
    return frame_documents(_context(settings, company, dated, settings.company.currency or "RUB"), front, chapters).html


def _context(settings: Settings, company: str, dated: str, currency: str) -> ReportContext:
    report = settings.report
    return ReportContext(
        lang=report.lang,
        company=company,
        title=_TITLE.get(report.lang),
        currency=currency,
        dated=dated,
        consultant=report.consultant,
        accent=report.accent,
        confidentiality=report.confidentiality,
    )


def _say(lang: Lang, ru: str, en: str) -> str:
    return ru if lang == "ru" else en


def _code(text: str) -> Markup:
    """Show lines of audit.toml as they are to be pasted."""
    return Markup('<pre class="km-pre"><code>{}</code></pre>').format(text)


def _lines(text: str) -> Markup:
    return Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in text.split("\n")))


def _rejected_link(lang: Lang) -> Markup:
    said = _say(
        lang, "Каждая отложенная строка с причиной — в файле {}.", "Every row set aside, with its reason, is in {}."
    )
    return Markup("<p>{}</p>").format(Markup(said).format(Markup('<a href="rejected_rows.csv">rejected_rows.csv</a>')))


def toml_string(text: str) -> str:
    """Quote a text for TOML; what JSON escapes, TOML escapes the same way, and DEL besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def alias_lines(people: Sequence[PersonUse]) -> str:
    """Return the audit.toml lines that accept every proposal for a spelling; "" where there is none."""
    pairs = {p.spelling: p.proposal for p in people if p.how == "proposed" and p.proposal is not None}
    if not pairs:
        return ""
    return "[people]\nalias = { " + ", ".join(f"{toml_string(a)} = {toml_string(b)}" for a, b in pairs.items()) + " }"


def merge_lines(pair: DuplicateClient) -> str:
    """Return the audit.toml lines that count the smaller of two clients as the larger; they fail once it changes."""
    small = (pair.client_a, pair.name_a, pair.revenue_a)
    large = (pair.client_b, pair.name_b, pair.revenue_b)
    if small[2] > large[2]:
        small, large = large, small
    return "\n".join(
        [
            "[[corrections.merge]]",
            f"client = {toml_string(small[0])}",
            f"into = {toml_string(large[0])}",
            f"reason = {toml_string(f'{pair.reason}: {small[1]} = {large[1]}')}",
            f"expect = {{ revenue = {small[2]:.2f} }}",
        ]
    )


def different_lines(pair: DuplicateClient) -> str:
    """Return the audit.toml lines that say that two clients of like names are two."""
    a, b = toml_string(pair.client_a), toml_string(pair.client_b)
    return f"[[corrections.different]]\nclient = {a}\nother = {b}"


def missing_needs(case: Case, finding: str) -> list[str]:
    """Return what a finding needs and these inputs lack: ``orders.shipped_date``, ``table.time`` …"""
    q = case.questionnaire

    def have(need: str) -> bool:
        part, _, name = need.partition(".")
        if part == "orders":
            return case.has(name)
        return q.has(name) if part == "table" else q.company.get(name) is not None

    return [n for n in method().findings[finding].needs if not have(n)]


class _Page:
    """The chapters of one check."""

    def __init__(self, case: Case, findings: Mapping[str, Any]) -> None:
        self.case = case
        self.intake: IntakeReport = case.intake
        self.q: Questionnaire = case.questionnaire
        self.lang: Lang = case.settings.report.lang
        self.fmt = Fmt(self.lang, case.currency)
        self.all = findings["findings"]
        self.missing = [f for f in self.all if f["status"] == "not_assessed"]
        self.guessed = list({c.header: c for c in self.intake.columns if c.how == "guessed" and c.field}.values())
        self.doubtful = [p for p in self.intake.people if p.how in ("unknown", "proposed")]

    def say(self, ru: str, en: str) -> str:
        return _say(self.lang, ru, en)

    def _table(self, rows: list[dict[str, Any]], cols: list[Col], **options: Any) -> Markup:
        frame = pd.DataFrame(rows, columns=[c.key for c in cols], dtype=object)
        return table(frame, cols, fmt=self.fmt, **{"sortable": False, **options})

    def _p(self, ru: str, en: str) -> Markup:
        return Markup("<p>{}</p>").format(self.say(ru, en))

    # -- page one ------------------------------------------------------------------------------------------------

    def front(self) -> Markup:
        i, fmt = self.intake, self.fmt
        data, aside = fmt.num(i.rows_read - i.service_rows), fmt.num(i.rows_set_aside - i.service_rows)
        ready = len(self.all) - len(self.missing)
        figures = [
            (
                fmt.num(i.rows_used),
                self.say("строк в расчёте", "rows used"),
                self.say(f"из {data} строк данных, отложено {aside}", f"of {data} rows of data, {aside} set aside"),
            ),
            (fmt.money(i.revenue), self.say("выручка", "revenue"), fmt.period(i.first_date, i.last_date)),
            (fmt.num(i.counts.get("clients", 0)), self.say("клиентов", "clients"), self._duplicates_note()),
            (f"{ready} / {len(self.all)}", self.say("выводов можно оценить", "findings can be assessed"), ""),
        ]
        return join([Markup('<p class="km-verdict-sentence">{}</p>').format(self._verdict()), key_figures(figures)])

    def _verdict(self) -> str:
        tick = data_tick(self.case)
        said = tick.sentence().get(self.lang)
        n = len(self.guessed) + len(self._elsewhere())
        if not n:
            return said
        return said + self.say(f"; ещё проверить: {n}", f"; more to look at: {n}")

    def _elsewhere(self) -> list[tuple[str, str]]:
        """Questions that have a chapter of their own: chapter and sentence."""
        out = []
        if self.doubtful:
            n = len({p.spelling for p in self.doubtful})
            out.append(
                (
                    "people",
                    self.say(
                        f"Кто эти люди? Неопознанных написаний: {n}", f"Who are these persons? Unknown spellings: {n}"
                    ),
                )
            )
        if self.intake.duplicate_clients:
            n = len(self.intake.duplicate_clients)
            out.append(
                (
                    "people",
                    self.say(
                        f"Не один ли это клиент? Похожих пар: {n}", f"Are these one client? Pairs that look alike: {n}"
                    ),
                )
            )
        for c in self.intake.control_sums:
            if not c.agrees:
                stated, counted = self.fmt.money_full(c.stated), self.fmt.money_full(c.counted)
                out.append(
                    (
                        "files",
                        self.say(
                            f"Почему итог файла {c.file} ({stated}) не сходится с суммой строк ({counted})?",
                            f"Why does the total of {c.file} ({stated}) differ from the sum of its rows ({counted})?",
                        ),
                    )
                )
        return out

    def _duplicates_note(self) -> str:
        n = len(self.intake.duplicate_clients)
        return self.say(f"пар, похожих на одного клиента: {n}", f"pairs that may be one client: {n}") if n else ""

    # -- questions -----------------------------------------------------------------------------------------------

    def questions(self) -> Markup:
        """Everything that only a person can settle, each with the lines of audit.toml that settle it."""
        parts: list[Any] = []
        for q in self.intake.questions:
            parts.append(Markup("<p><strong>{}</strong></p>").format(q.text.get(self.lang)))
            if q.answer:
                parts += [Markup("<p>{}:</p>").format(q.means.get(self.lang)), _code(q.answer)]
            parts.extend(_other(a, self.lang) for a in q.others)
        for c in self.guessed:
            assert c.field is not None
            name = field_name(c.field).get(self.lang)
            parts.append(
                self._p(
                    f"Столбец «{c.header}» понят как «{name}» по сходству названий. Если это верно, закрепите:",
                    f"Column “{c.header}” was taken for “{name}” because the names are alike. If so, settle it:",
                )
            )
            parts.append(_code(f"[columns]\n{c.field} = {toml_string(c.header)}"))
        parts += [
            Markup('<p><a href="#chapter-{}">{}</a></p>').format(chapter, said) for chapter, said in self._elsewhere()
        ]
        if not parts:
            return self._p("Вопросов нет.", "Nothing to settle.")
        lead = self._p(
            "Строки ниже впишите в audit.toml. Если такой раздел в файле уже есть, добавьте строку в него.",
            "Write the lines below into audit.toml. Where the section already exists, add the line to it.",
        )
        return join([lead, *parts])

    # -- files ---------------------------------------------------------------------------------------------------

    def files(self) -> Markup:
        """Files as they were understood, their own totals, and remarks."""
        rows = [
            {
                "name": f.name,
                "format": self._kind(f.format),
                "encoding": f.encoding,
                "sheet": f.sheet,
                "header": f.header_row,
                "read": f.rows_read,
                "delimiter": self._delimiter(f.delimiter),
                "used": f.rows_used,
                "aside": f.rows_set_aside - f.rows_service,
                "service": f.rows_service,
            }
            for f in self.intake.files
        ]
        cols = [
            Col("name", self.say("Файл", "File")),
            Col("format", self.say("Вид", "Kind")),
            Col("encoding", self.say("Кодировка", "Encoding")),
            Col("delimiter", self.say("Разделитель", "Delimiter")),
            Col("sheet", self.say("Лист", "Sheet")),
            Col("header", self.say("Строка заголовка", "Header row"), "count"),
            Col("read", self.say("Прочитано строк", "Rows read"), "count"),
            Col("used", self.say("В расчёте", "Used"), "count"),
            Col("aside", self.say("Отложено", "Set aside"), "count"),
            Col("service", self.say("Итоги, группы, пустые", "Totals, groups, blanks"), "count"),
        ]
        cols = [c for c in cols if (c.kind == "count" and c.key != "service") or any(r[c.key] for r in rows)]
        parts: list[Any] = [self._table(rows, cols, wide=False)]
        if self.intake.control_sums:
            parts.append(self._control_sums())
        if self.intake.notes:
            items = Markup("").join(Markup("<li>{}</li>").format(n.get(self.lang)) for n in self.intake.notes)
            parts += [
                Markup("<h3>{}</h3>").format(self.say("Замечания", "Remarks")),
                Markup("<ul>{}</ul>").format(items),
            ]
        return join(parts)

    def _kind(self, format: str) -> str:
        return _FORMATS[format].get(self.lang) if format in _FORMATS else format

    def _delimiter(self, mark: str | None) -> str | None:
        return _DELIMITERS[mark].get(self.lang) if mark and mark in _DELIMITERS else mark

    def _control_sums(self) -> Markup:
        rows = [
            {
                "file": c.file,
                "label": c.label,
                "stated": c.stated,
                "counted": c.counted,
                "off": c.counted - c.stated,
                "agrees": self.say("да", "yes") if c.agrees else self.say("нет", "no"),
            }
            for c in self.intake.control_sums
        ]
        cols = [
            Col("file", self.say("Файл", "File")),
            Col("label", self.say("Итог в файле", "Total in the file")),
            Col("stated", self.say("Указано", "Stated"), "money_full"),
            Col("counted", self.say("Посчитано", "Counted"), "money_full"),
            Col("off", self.say("Разница", "Difference"), "money_full"),
            Col("agrees", self.say("Сходится", "Agrees")),
        ]
        return self._table(rows, cols, caption=self.say("Контрольные суммы", "Control sums"))

    # -- columns -------------------------------------------------------------------------------------------------

    def columns(self) -> Markup:
        """Every header with what it was taken for; the same header of several files once."""
        seen: dict[tuple[str, str | None, str], list[Any]] = {}
        for c in self.intake.columns:
            if c.header:
                seen.setdefault((c.header, c.field, c.how), []).append(c)
        rows = []
        for (header, name, how), uses in seen.items():
            used = how in ("mapped", "guessed", "setting", "derived")
            rows.append(
                {
                    "header": header,
                    "field": field_name(name).get(self.lang) if name else "—",
                    "how": self._how(how, uses[0].score),
                    "files": ", ".join(dict.fromkeys(u.file for u in uses)),
                    "filled": self.intake.field_coverage.get(name or "") if used else None,
                    "example": next((u.example for u in uses if u.example), None),
                }
            )
        cols = [
            Col("header", self.say("Столбец файла", "Column of the file")),
            Col("field", self.say("Понят как", "Understood as")),
            Col("how", self.say("Как", "How")),
            Col("filled", self.say("Заполнен, доля выручки", "Filled, share of revenue"), "share"),
            Col("example", self.say("Пример", "Example")),
        ]
        if len(self.intake.files) > 1:
            cols.append(Col("files", self.say("Файлы", "Files")))
        return self._table(rows, cols, sortable=True, max_rows=_MOST_COLUMNS, wide=False)

    def _how(self, how: str, score: float | None) -> str:
        word = HOW[how].get(self.lang)
        return f"{word}, {self.fmt.share(score, 0)}" if how == "guessed" and score is not None else word

    # -- rows set aside ------------------------------------------------------------------------------------------

    def set_aside(self) -> Markup:
        """Reasons with their rows and revenue, then single rows: file, row, column, value."""
        aside = [s for s in self.intake.set_aside if s.code not in SERVICE]
        between = [s for s in self.intake.set_aside if s.code in SERVICE]
        none = self._p("Ни одной строки данных не отложено.", "Not one row of data was set aside.")
        parts: list[Any] = [self._reasons(aside) if aside else none]
        if between:
            caption = self.say("Не данные: итоги, группы, пустые строки", "No data: totals, groups, blank rows")
            rows = [{"reason": s.text.get(self.lang), "rows": s.rows} for s in between]
            cols = [Col("reason", self.say("Что это", "What it is")), Col("rows", self.say("Строк", "Rows"), "count")]
            parts.append(self._table(rows, cols, caption=caption))
        if aside or between:
            parts += [self._examples([*aside, *between]), _rejected_link(self.lang)]
        return join(parts)

    def _reasons(self, aside: Sequence[SetAside]) -> Markup:
        def share(revenue: float | None) -> float | None:
            whole = abs(self.intake.revenue) + abs(revenue or 0.0)
            return abs(revenue) / whole if revenue is not None and whole else None

        money = [None if s.code == FOREIGN else s.revenue for s in aside]  # of another kind: no sign, no share
        reasons = [
            {"reason": s.text.get(self.lang), "rows": s.rows, "revenue": m, "share": share(m)}
            for s, m in zip(aside, money, strict=True)
        ]
        return self._table(
            reasons,
            [
                Col("reason", self.say("Почему", "Why")),
                Col("rows", self.say("Строк", "Rows"), "count"),
                Col("revenue", self.say("На сумму", "Revenue"), "money_full"),
                Col("share", self.say("Доля выручки", "Share of revenue"), "share"),
            ],
        )

    def _examples(self, aside: Sequence[SetAside]) -> Markup | None:
        examples = [
            {"reason": s.text.get(self.lang), "file": e.file, "row": str(e.row), "column": e.column, "value": e.value}
            for s in aside
            for e in s.examples
        ]
        if not examples:
            return None
        return self._table(
            examples,
            [
                Col("reason", self.say("Почему", "Why")),
                Col("file", self.say("Файл", "File")),
                Col("row", self.say("Строка", "Row")),
                Col("column", self.say("Столбец", "Column")),
                Col("value", self.say("Значение", "Value")),
            ],
            caption=self.say("Примеры", "Examples"),
        )

    # -- people and clients --------------------------------------------------------------------------------------

    def people(self) -> Markup:
        """Spellings that nobody of the staff sheet answers to, and clients that may be one."""
        parts: list[Any] = [
            self._unknown_people()
            if self.doubtful
            else self._p("Все сотрудники в заказах опознаны.", "Every person in the orders is known.")
            if self.intake.people
            else self._p(
                "В заказах не назван ни один сотрудник: столбца с менеджером или автором нет или он пуст.",
                "The orders name no person: there is no column of managers or authors, or it is empty.",
            )
        ]
        pairs = self.intake.duplicate_clients
        if pairs:
            parts.append(self._duplicates(pairs))
        return join(parts)

    def _unknown_people(self) -> Markup:
        rows = [
            {
                "spelling": p.spelling,
                "field": field_name(p.field).get(self.lang),
                "rows": p.rows,
                "share": p.revenue_share,
                "proposal": p.proposal,
            }
            for p in self.doubtful
        ]
        parts: list[Any] = [
            self._p(
                "Этих людей нет на листе «Сотрудники». Впишите написание в столбец «Логины и написания в заказах» "
                "того, кому оно принадлежит.",
                "These persons are not on the sheet “Staff”. Write the spelling into the column “Logins and spellings "
                "in the orders” of whoever it belongs to.",
            ),
            self._table(
                rows,
                [
                    Col("spelling", self.say("В заказах", "In the orders")),
                    Col("field", self.say("Столбец", "Column")),
                    Col("rows", self.say("Строк", "Rows"), "count"),
                    Col("share", self.say("Доля выручки", "Share of revenue"), "share"),
                    Col("proposal", self.say("Возможно, это", "May be")),
                ],
                sortable=True,
                max_rows=_MOST_PEOPLE,
            ),
        ]
        lines = alias_lines(self.doubtful)
        if lines:
            parts += [
                self._p(
                    "Если догадки верны, впишите их в audit.toml:",
                    "If the proposals are right, write them into audit.toml:",
                ),
                _code(lines),
            ]
        return join(parts)

    def _duplicates(self, pairs: Sequence[DuplicateClient]) -> Markup:
        rows = [
            {
                "a": d.name_a,
                "code_a": d.client_a,
                "b": d.name_b,
                "code_b": d.client_b,
                "like": d.similarity,
                "revenue_a": d.revenue_a,
                "revenue_b": d.revenue_b,
                "reason": d.reason,
            }
            for d in pairs
        ]
        one, two = self.say("Клиент", "Client"), self.say("Похож на", "Resembles")
        code, money = self.say("Код", "Key"), self.say("Выручка", "Revenue")
        shown = pairs[:5]
        return join(
            [
                Markup("<h3>{}</h3>").format(
                    self.say("Похоже, один и тот же клиент", "Perhaps one and the same client")
                ),
                self._table(
                    rows,
                    [
                        Col("a", one),
                        Col("code_a", code),
                        Col("revenue_a", money, "money"),
                        Col("b", two),
                        Col("code_b", code),
                        Col("revenue_b", money, "money"),
                        Col("like", self.say("Сходство", "Likeness"), "share", 0),
                        Col("reason", self.say("Чем", "How")),
                    ],
                    sortable=True,
                    max_rows=_MOST_PAIRS,
                    wide=False,
                ),
                self._p(
                    "Если это один клиент, впишите в audit.toml (expect остановит расчёт, если выгрузка изменится):",
                    "If they are one, write into audit.toml (expect stops the audit once the export changes):",
                ),
                *(_code(merge_lines(d)) for d in shown),
            ]
        )

    # -- questionnaire -------------------------------------------------------------------------------------------

    def questionnaire(self) -> Markup:
        """How far every sheet is filled, what is wrong in which cell; without answers what a run can and cannot say."""
        if not self.q.source:
            none = self._p(
                "Анкеты нет. Без неё оцениваются только выводы по заказам.",
                "There is no questionnaire. Only findings from the orders can be assessed.",
            )
            return join([none, self._without()])
        rows = [self._sheet(name) for name in TABLES]
        cols = [
            Col("sheet", self.say("Лист", "Sheet")),
            Col("rows", self.say("Строк", "Rows"), "count"),
            Col("filled", self.say("Ячеек заполнено", "Cells filled"), "share", 0),
            Col("blank", self.say("Не заполнено", "Left blank")),
            Col("problems", self.say("Ошибок", "Problems"), "count"),
        ]
        parts: list[Any] = [self._table(rows, cols)]
        if not answered(self.q):
            parts.append(self._without())
        parts += self._returned()
        if self.q.problems:
            wrong = [{"cell": p.cell, "value": p.value, "text": p.text.get(self.lang)} for p in self.q.problems]
            parts.append(
                self._table(
                    wrong,
                    [
                        Col("cell", self.say("Ячейка", "Cell")),
                        Col("value", self.say("Значение", "Value")),
                        Col("text", self.say("Что не так и что допустимо", "What is wrong and what is allowed")),
                    ],
                    caption=self.say("Что исправить", "What to correct"),
                    max_rows=200,
                )
            )
        return join(parts)

    def _returned(self) -> list[Any]:
        """What single persons sent back, what is missing still, and what it would settle."""
        rows, parts = came(self.case, self.lang), []
        if rows:
            cols = [
                Col("file", self.say("Файл", "File")),
                Col("kind", self.say("Что это", "What it is")),
                Col("who", self.say("От кого", "From whom")),
                Col("what", self.say("Дни, клиенты", "Days, clients")),
                Col("rows", self.say("Записей", "Records"), "count"),
                Col("used", self.say("Взято", "Taken"), "count"),
                Col("replaced", self.say("Заменено более поздним", "Replaced by a later file"), "count"),
                Col("aside", self.say("Отложено", "Set aside"), "count"),
            ]
            parts.append(self._table(rows, cols, caption=self.say("Пришло от людей", "What people sent back")))
        missing = [Markup("<li>{}</li>").format(text.get(self.lang)) for text in wanted(self.case)]
        if missing:
            parts.append(Markup("<ul>{}</ul>").format(Markup("").join(missing)))
        return parts

    def _without(self) -> Markup:
        """What a run without the questionnaire assesses, by chapter, and which sheets the rest needs."""
        rows = [
            {"chapter": c.title, "ready": f"{c.ready} / {c.all}", "needs": ", ".join(c.needs) or "—"}
            for c in by_chapter(self.case, self.all, self.lang)
        ]
        cols = [
            Col("chapter", self.say("Глава", "Chapter")),
            Col("ready", self.say("Выводов сейчас", "Findings now")),
            Col("needs", self.say("Остальным нужно", "The rest needs")),
        ]
        return self._table(
            rows, cols, caption=self.say("Что скажет отчёт без анкеты", "What a run without it will say")
        )

    def _sheet(self, name: str) -> dict[str, Any]:
        spec = TABLES[name]
        title = Text(spec.ru, spec.en).get(self.lang)
        wrong = sum(p.table == name for p in self.q.problems)
        if name == "company":
            blank = [c for c in COMPANY_KEYS if self.q.company.get(c.key) is None]
            filled: float | None = 1 - len(blank) / len(COMPANY_KEYS)
            rows = len(COMPANY_KEYS) - len(blank)
        else:
            frame = self.q.table(name)
            rows = len(frame)
            shares = {c.key: _filled(frame[c.key]) for c in spec.columns} if rows else {}
            blank = [c for c in spec.columns if rows and shares[c.key] == 0]
            filled = sum(shares.values()) / len(shares) if shares else None
        left = ", ".join(f"«{Text(c.ru, c.en).get(self.lang)}»" if self.lang == "ru" else c.en for c in blank)
        if not rows:
            left = self.say("лист пуст", "the sheet is empty")
        return {"sheet": title, "rows": rows, "filled": filled, "blank": left, "problems": wrong}

    # -- findings ------------------------------------------------------------------------------------------------

    def assessable(self) -> Markup:
        """What would make more findings assessable, then all findings by chapter."""
        names = {f["id"]: f["title"] for f in self.all}
        wanted: dict[str, list[str]] = {}
        for f in self.missing:
            for need in missing_needs(self.case, f["id"]):
                wanted.setdefault(need, []).append(names[f["id"]])
        parts: list[Any] = []
        if wanted:
            rows = [
                {"need": need_name(need, self.lang), "n": len(found), "found": "; ".join(found)}
                for need, found in sorted(wanted.items(), key=lambda item: -len(item[1]))
            ]
            parts.append(
                self._table(
                    rows,
                    [
                        Col("need", self.say("Что добавить", "What to add")),
                        Col("n", self.say("Нужно для выводов", "Needed for findings"), "count"),
                        Col("found", self.say("Для каких", "For which")),
                    ],
                )
            )
        chapters: dict[str, list[dict[str, Any]]] = {}
        for f in self.all:
            chapters.setdefault(f["id"].split(".")[0], []).append(f)
        yes, no = self.say("да", "yes"), self.say("нет", "no")
        rows = [
            {
                "chapter": chapter_title(chapter, self.lang),
                "finding": f["title"],
                "can": no if f["status"] == "not_assessed" else yes,
                "why": f.get("reason", ""),
            }
            for chapter, found in chapters.items()
            for f in found
        ]
        parts.append(
            self._table(
                rows,
                [
                    Col("finding", self.say("Вывод", "Finding")),
                    Col("chapter", self.say("Глава", "Chapter")),
                    Col("can", self.say("Оценим", "Assessed")),
                    Col("why", self.say("Почему нет", "Why not")),
                ],
                sortable=True,
            )
        )
        return join(parts)


def _filled(column: pd.Series) -> float:
    """Share of a column's cells that hold an answer; an empty list is none."""
    return float(column.map(lambda v: len(v) > 0 if isinstance(v, tuple | str) else not pd.isna(v)).mean())
