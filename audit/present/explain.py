"""Explain an id of the method: what it means, how it is computed, against which threshold, from which source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audit.errors import Lang, ParameterError, Text, did_you_mean
from audit.method import SALE_TYPES, Method, Threshold, method
from audit.model.orders import FIELD_NAMES
from audit.model.questionnaire import COMPANY_KEYS, TABLES
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from audit.present.titles import chapter_title
from audit.present.words import list_source_text, source_text

__all__ = ["Explanation", "explain_id", "need_name", "threshold_line"]


@dataclass(frozen=True)
class Explanation:
    """What is known of an id, as named lines."""

    id: str
    title: str
    lines: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"id": self.id, "title": self.title, "lines": [{"name": n, "text": t} for n, t in self.lines]}

    def _repr_html_(self) -> str:
        from markupsafe import Markup

        rows = Markup("").join(
            Markup("<tr><th style='text-align:left'>{}</th><td style='text-align:left'>{}</td></tr>").format(n, t)
            for n, t in self.lines
        )
        return str(Markup("<h4>{} <small>{}</small></h4><table>{}</table>").format(self.title, self.id, rows))

    def __str__(self) -> str:
        return "\n".join([f"{self.title} ({self.id})", *(f"{n}: {t}" for n, t in self.lines)])


MONEY = {
    "gain": Text(
        "прирост в год, если его есть с чего посчитать", "a gain a year, where there is something to reckon it from"
    ),
    "risk": Text(
        "риск: вероятность × сумма под угрозой, с приростами не складывается",
        "a risk: chance × stake, never added to gains",
    ),
    "none": Text("отдельной нет; вывод говорит почему", "none of its own; the finding says why"),
}
"""What a finding may be worth."""

_WORDS = {
    "money": Text("Цена", "Price"),
    "definition": Text("Определение", "Definition"),
    "formula": Text("Формула", "Formula"),
    "source": Text("Источник", "Source"),
    "unit": Text("Единица", "Unit"),
    "threshold": Text("Порог", "Threshold"),
    "needs": Text("Нужно", "Needs"),
    "metrics": Text("Показатели", "Metrics"),
    "actions": Text("Что делать", "Actions"),
    "chapter": Text("Глава", "Chapter"),
    "benchmark": Text("Ориентир", "Benchmark"),
    "reason": Text("Смысл", "Meaning"),
    "owners": Text("Чья это работа", "Whose work it is"),
    "stations": Text("Станции", "Stations"),
    "group": Text("Группа", "Group"),
    "titles": Text("Должности", "Titles"),
    "findings": Text("Выводы", "Findings"),
    "owner": Text("Кто делает", "Owner"),
    "step": Text("Первый шаг", "First step"),
    "horizon": Text("Срок", "Within"),
    "target": Text("Цель", "Target"),
    "toml": Text("Переопределить в audit.toml", "Override in audit.toml"),
    "state": Text("Состояние", "State"),
    "note": Text("Примечание", "Note"),
}

UNITS = {
    "share": Text("доля", "share"),
    "count": Text("число", "count"),
    "days": Text("дни", "days"),
    "hours": Text("часы", "hours"),
    "fte": Text("ставки", "FTE"),
    "money": Text("деньги", "money"),
    "money/year": Text("деньги в год", "money a year"),
    "ratio": Text("отношение", "ratio"),
    "index": Text("индекс", "index"),
    "share/year": Text("доля в год", "share a year"),
    "points": Text("процентные пункты", "percentage points"),
    "p-value": Text("p-значение", "p-value"),
    "years": Text("годы", "years"),
    "minutes": Text("минуты", "minutes"),
    "months": Text("месяцы", "months"),
    "gaps": Text("обычные промежутки", "usual gaps"),
}


def unit_name(unit: str, lang: Lang) -> str:
    """Return the unit of a figure or threshold as a word."""
    return UNITS[unit].get(lang)


def _number(value: float, unit: str, fmt: Fmt) -> str:
    if unit in ("share", "points", "share/year"):
        return fmt.share(value, 0 if abs(value * 100 - round(value * 100)) < 1e-9 else 1)
    return fmt.num(value, 0 if float(value).is_integer() else 2)


def threshold_line(t: Threshold, fmt: Fmt) -> str:
    """Return a threshold in words: «наблюдать от 20 %, выявлено от 40 %»."""
    ru = fmt.lang == "ru"
    if t.kind == "band":
        assert t.watch is not None and t.found is not None
        watch, found = _number(t.watch, t.unit, fmt), _number(t.found, t.unit, fmt)
        if t.watch == t.found:
            side = ("выше" if ru else "above") if t.bad == "high" else ("ниже" if ru else "below")
            if t.unit in ("count", "index"):
                return f"выявлено от {found}" if ru else f"found from {found}"
            whole = (
                f"выявлено, если значение и весь интервал {side} {found}"
                if ru
                else f"found if the figure and its whole interval are {side} {found}"
            )
            if t.found == 0:
                rest = (
                    "нельзя сказать, пока интервал включает ноль"
                    if ru
                    else "cannot tell while the interval includes zero"
                )
            elif t.unit == "share/year":
                rest = (
                    "наблюдать, если только значение, а с учётом погрешности — ниже нуля"
                    if ru
                    else "watched if the figure alone is and its whole interval is below zero"
                )
            else:
                rest = "наблюдать, если только значение" if ru else "watched if the figure alone is"
            return f"{whole}; {rest}"
        if t.bad == "high":
            return f"наблюдать от {watch}, выявлено от {found}" if ru else f"watched from {watch}, found from {found}"
        return f"наблюдать ниже {watch}, выявлено ниже {found}" if ru else f"watched below {watch}, found below {found}"
    if t.kind == "value":
        assert t.value is not None
        return _number(t.value, t.unit, fmt)
    assert t.low is not None and t.base is not None and t.high is not None
    return " / ".join(_number(v, t.unit, fmt) for v in (t.low, t.base, t.high))


def need_name(need: str, lang: Lang) -> str:
    """Return what a finding needs in words: a column of the orders, a sheet or an answer of the questionnaire."""
    part, _, name = need.partition(".")
    if part == "orders":
        text = FIELD_NAMES[name]
        return (f"столбец заказов «{text.ru}»" if lang == "ru" else f"orders column “{text.en}”") + f" ({name})"
    if part == "table":
        spec = TABLES[name]
        return f"лист анкеты «{spec.ru}»" if lang == "ru" else f"questionnaire sheet “{spec.en}”"
    answer = next(c for c in COMPANY_KEYS if c.key == name)
    return f"ответ анкеты «{answer.ru}»" if lang == "ru" else f"questionnaire answer “{answer.en}”"


def explain_id(id: str, lang: Lang) -> Explanation:
    """Explain a finding, metric, threshold, action, function, role or type of sale; raise with «did you mean» for anything else."""
    m = method()
    fmt = Fmt(lang, "RUB")
    lines: list[tuple[str, str]] = []

    def add(word: str, text: str) -> None:
        if text:
            lines.append((_WORDS[word].get(lang), text))

    def names(ids: Iterable[str]) -> str:
        return "; ".join(f"{m.describe(i, lang)} ({i})" for i in ids)

    title = ""
    if id in m.findings:
        f = m.findings[id]
        title = f.name.get(lang)
        add("chapter", chapter_title(f.chapter, lang))
        add("metrics", names(f.metrics))
        for metric in f.metrics:
            add("definition", f"{m.metrics[metric].name.get(lang)} — {m.metrics[metric].definition.get(lang)}")
            add("formula", m.metrics[metric].formula)
        add("money", MONEY[f.money].get(lang))
        add("needs", "; ".join(need_name(n, lang) for n in f.needs))
        add("actions", names(f.actions))
    if id in m.metrics:
        spec = m.metrics[id]
        title = title or spec.name.get(lang)
        add("definition", spec.definition.get(lang))
        add("formula", spec.formula)
        add("unit", unit_name(spec.unit, lang))
        add("source", source_text(spec.source, lang))
        if spec.benchmark:
            add("benchmark", m.benchmarks[spec.benchmark].name.get(lang))
        add("findings", names(f.id for f in m.findings.values() if id in f.metrics))
    if id in m.thresholds.items:
        _add_threshold(id, m, fmt, add)
        title = title or id
    if not title:
        title = _add_other(id, m, lang, fmt, add)
    if not title:
        hint = did_you_mean(
            id, [*m.findings, *m.metrics, *m.thresholds, *m.actions, *m.functions, *m.roles, *m.sale_types]
        )
        raise ParameterError(
            Text(f"Нет ничего с именем «{id}»", f"Nothing is called “{id}”"),
            todo=Text(f"Проверьте имя: {hint.ru}", f"Check the name: {hint.en}"),
        )
    return Explanation(id, title, tuple(lines))


def _add_threshold(id: str, m: Method, fmt: Fmt, add: Any) -> None:
    t = m.thresholds[id]
    add("threshold", threshold_line(t, fmt))
    add("reason", t.reason.name.get(fmt.lang))
    add("source", source_text(t.source, fmt.lang))
    if t.kind == "band":
        add("toml", f'"{id}" = {{ watch = {t.watch:g}, found = {t.found:g} }}')
    elif t.kind == "value":
        add("toml", f'"{id}" = {t.value:g}')
    else:
        add("toml", f'"{id}" = {{ low = {t.low:g}, base = {t.base:g}, high = {t.high:g} }}')


_OURS = {"ru": " (наше дополнение)", "en": " (our addition)"}


def _add_other(id: str, m: Method, lang: Lang, fmt: Fmt, add: Any) -> str:
    if id in m.actions:
        a = m.actions[id]
        add("step", a.first_step().get(lang))
        add("owner", m.roles[a.owner].name.get(lang))
        add("horizon", fmt.days(a.horizon_days))
        if a.metric is not None and a.target is not None:
            add("target", Narrative(lang, fmt).target(a.metric, a.target))
        return a.name.get(lang)
    if id in m.functions:
        f = m.functions[id]
        add("group", m.groups[f.group].name.get(lang))
        for t in SALE_TYPES:
            o = f.owners[t]
            own = ", ".join(m.roles[r].short.get(lang) for r in o.primary) or "—"
            allowed = ", ".join(m.roles[r].short.get(lang) for r in o.allowed)
            mark = _OURS[lang] if o.inferred else ""
            add("owners", f"{t}: {own}{f' ({allowed})' if allowed else ''}{mark}")
        add("source", list_source_text(f.source, lang))
        add("note", f.note if lang == "ru" else "")
        return f.name.get(lang)
    if id in m.roles:
        r = m.roles[id]
        add("titles", "; ".join(r.titles))
        add("source", list_source_text(r.source, lang))
        return r.name.get(lang)
    if id in m.sale_types:
        kind = m.sale_types[id]
        stations = [m.roles[r].short.get(lang) for r in kind.required]
        beside = [f"({m.roles[r].short.get(lang)})" for r in kind.conditional]
        add("stations", ", ".join([*stations, *beside]))
        add("source", source_text(kind.source, lang))
        return kind.name.get(lang)
    return ""
