"""How a case, a chapter, a figure and a verdict show themselves as the last line of a notebook's cell."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from audit.errors import Lang, current_language
from audit.findings.finding import Finding
from audit.method import method
from audit.model.case import Case
from audit.model.questionnaire import TABLES
from audit.model.result import Metric
from audit.present.chapter import ChapterView
from audit.present.format import DASH, Fmt
from audit.present.style import STATUS
from audit.present.titles import chapter_title
from audit.present.views import metric_name

__all__ = ["case_html", "chapter_html", "finding_html", "metric_html", "show_richly"]


def show_richly() -> None:
    """Teach the notebook's display about the kit's objects; does nothing outside a notebook."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return
    html = shell.display_formatter.formatters["text/html"]  # type: ignore[union-attr]
    html.for_type(Case, case_html)
    html.for_type(ChapterView, chapter_html)
    html.for_type(Metric, metric_html)
    html.for_type(Finding, finding_html)


def case_html(case: Case) -> str:
    """Show what a case is of: company, period, clients, documents, money, what the questionnaire has."""
    lang, i = case.settings.report.lang, case.intake
    fmt, q = Fmt(lang, case.currency), case.questionnaire
    filled = [TABLES[t].ru if lang == "ru" else TABLES[t].en for t in TABLES if q.has(t)]
    rows = [
        (_say(lang, "период", "period"), fmt.period(i.first_date, i.last_date)),
        (_say(lang, "выручка", "revenue"), fmt.money(i.revenue)),
        (_say(lang, "клиентов", "clients"), fmt.num(i.counts.get("clients", 0))),
        (_say(lang, "строк в расчёте", "rows used"), f"{fmt.num(i.rows_used)} / {fmt.num(i.rows_read)}"),
        (_say(lang, "тип продаж", "type of sale"), method().sale_types[case.sale_type.used].name.get(lang)),
        (_say(lang, "листы анкеты", "sheets of the questionnaire"), ", ".join(filled) or DASH),
    ]
    return _table(case.company_name, rows)


def chapter_html(view: ChapterView) -> str:
    """Show a chapter's verdicts, and what can be asked of it."""
    rows = [(STATUS[v.finding.status].word.get(view.lang), str(Markup(v.title).striptags())) for v in view.views]
    rows.append((_say(view.lang, "разделы", "sections"), ", ".join(view.sections)))
    rows.append((_say(view.lang, "таблицы", "tables"), ", ".join(view.result.tables)))
    return _table(chapter_title(view.name, view.lang), rows)


def metric_html(m: Metric) -> str:
    """Show a figure with its interval, number, benchmark and grade, or why it cannot be had."""
    lang = current_language()
    fmt = Fmt(lang, "")  # a figure alone does not know its currency
    rows = [(_say(lang, "значение", "value"), DASH if m.value is None else fmt.value(m.value, m.unit))]
    if m.low is not None and m.high is not None:
        limits = f"{fmt.value(m.low, m.unit)} … {fmt.value(m.high, m.unit)}"
        rows.append((_say(lang, "интервал 95 %", "95% interval"), limits))
    if m.n is not None:
        rows.append(("n", fmt.num(m.n)))
    if m.benchmark is not None:
        rows.append((_say(lang, "норма", "norm"), fmt.value(m.benchmark, m.unit)))
    if m.grade is not None:
        rows.append((_say(lang, "доказательность", "grade"), m.grade))
    if m.reason is not None:
        rows.append((_say(lang, "почему нет", "why not"), m.reason.get(lang)))
    return _table(f"{metric_name(m.id, m.extra.get('horizon_days'), lang)} ({m.id})", rows)


def finding_html(f: Finding) -> str:
    """Show a verdict with its money, grade and actions."""
    lang = current_language()
    rows = [(_say(lang, "оценка", "status"), STATUS[f.status].word.get(lang))]
    if f.reason is not None:
        rows.append((_say(lang, "почему нет", "why not"), f.reason.get(lang)))
    if f.effect is not None:
        money = Fmt(lang, "")
        told = f"{money.money(f.effect.base)} ({money.money(f.effect.low)} … {money.money(f.effect.high)})"
        rows.append((_say(lang, "в год", "a year"), told))
    if f.grade is not None:
        rows.append((_say(lang, "доказательность", "grade"), f.grade))
    if f.actions:
        named = [method().actions[a].name.get(lang) for a in f.actions]
        rows.append((_say(lang, "что делать", "what to do"), "; ".join(named)))
    return _table(f"{method().findings[f.id].name.get(lang)} ({f.id})", rows)


def _say(lang: Lang, ru: str, en: str) -> str:
    return ru if lang == "ru" else en


def _table(title: str, rows: Sequence[tuple[str, str]]) -> str:
    left = "text-align:left"
    body = Markup("").join(
        Markup('<tr><th style="{}">{}</th><td style="{}">{}</td></tr>').format(left, name, left, told)
        for name, told in rows
    )
    return str(Markup("<h4>{}</h4><table>{}</table>").format(title, body))
