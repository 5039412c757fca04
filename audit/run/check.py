"""Read and validate only: what is usable, what must be asked, which findings can be judged and what the rest needs."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audit.errors import AuditError, Lang, NothingUsableError
from audit.model.case import Case
from audit.model.intake_report import FOREIGN, SERVICE
from audit.model.orders import field_name
from audit.model.questionnaire import TABLES
from audit.present.check import (
    HOW,
    alias_lines,
    answered,
    by_chapter,
    check_page,
    data_tick,
    missing_needs,
    refusal_page,
)
from audit.present.explain import need_name
from audit.present.format import Fmt
from audit.present.returned import came, wanted
from audit.present.tick import Tick
from audit.run.cases import open_inputs
from audit.run.inputs import Inputs, override
from audit.run.notebook_api import compute_all
from audit.run.prepare import leave_rejects
from audit.settings import Settings

__all__ = ["PAGE", "CheckResult", "check_inputs", "print_check", "write_page", "write_refusal"]

PAGE = "check.html"
"""The page that a check leaves in the engagement folder, beside rejected_rows.csv."""


@dataclass(frozen=True)
class CheckResult:
    """What ``km-audit check`` found."""

    case: Case
    findings: Mapping[str, Any]

    @property
    def lang(self) -> Lang:
        """Language of the check."""
        return self.case.settings.report.lang

    @property
    def usable(self) -> bool:
        """Whether an audit of these inputs says anything."""
        return self.case.intake.rows_used > 0

    def tick(self) -> Tick:
        """Whether the data can be audited as they are."""
        return data_tick(self.case)

    def assessable(self) -> list[str]:
        """Findings that can be judged with these inputs."""
        return [f["id"] for f in self.findings["findings"] if f["status"] != "not_assessed"]

    def missing(self) -> list[tuple[str, str]]:
        """Findings that cannot be judged, with the reason."""
        return [(f["id"], f.get("reason", "")) for f in self.findings["findings"] if f["status"] == "not_assessed"]

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        q = self.case.questionnaire
        return {
            "status": "usable" if self.usable else "unusable",
            "whole": self.usable and self.tick().whole,
            "verdict": str(self.tick().sentence()) if self.usable else "",
            "orders": self.case.intake.as_json(),
            "questionnaire": {
                "tables": {t: len(q.tables[t]) if t in q.tables else 0 for t in TABLES},
                "problems": [{"cell": p.cell, "value": p.value, "text": str(p.text)} for p in q.problems],
                "returned": came(self.case, self.lang),
                "wanted": [str(text) for text in wanted(self.case)],
            },
            "assessable": self.assessable(),
            "not_assessed": [{"id": i, "reason": r} for i, r in self.missing()],
        }


def check_inputs(inputs: Inputs) -> CheckResult:
    """Read everything and judge in this process; raises `AuditError` where the input cannot be used."""
    cache = inputs.folder.absolute() / ".km-audit" / "prepared" if inputs.folder is not None else None
    case = open_inputs(inputs, cache)
    return CheckResult(case, compute_all(case))


def write_page(result: CheckResult, folder: Path) -> Path:
    """Write the page and the list of rows set aside into the engagement folder; return the page."""
    case = result.case
    listed = case.folder / "rejected_rows.csv"
    leave_rejects(listed, folder / listed.name)
    page = check_page(
        case, result.findings, company=_company(folder, case.company_name), dated=dt.date.today().isoformat()
    )
    return _write(folder, page)


def write_refusal(error: AuditError, folder: Path, settings: Settings | None, lang: Lang) -> Path:
    """Write the page that says why the inputs of a folder cannot be used; no settings where these cannot be read."""
    settings = override(settings or Settings(), {"report": {"lang": lang}})
    page = refusal_page(
        error,
        settings,
        company=_company(folder, settings.company.name or "—"),
        dated=dt.date.today().isoformat(),
        rejected=isinstance(error, NothingUsableError),
    )
    return _write(folder, page)


def _company(folder: Path, name: str) -> str:
    return folder.absolute().name if name == "—" else name


def _write(folder: Path, page: str) -> Path:
    target = folder / PAGE
    aside = folder / f".{PAGE}.{os.getpid()}"
    try:
        aside.write_text(page, encoding="utf-8")
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def print_check(result: CheckResult, console: Console) -> None:
    """Print the check as one screen."""
    lang, case = result.lang, result.case
    i, fmt = case.intake, Fmt(result.lang, case.currency)

    def say(ru: str, en: str) -> str:
        return ru if lang == "ru" else en

    console.print(f"[bold]{say('Файлы заказов', 'Orders')}[/]")
    for f in i.files:
        about = ", ".join(x for x in (f.format, f.encoding, f.sheet) if x)
        console.print(
            f"  {escape(f.name)}  [dim]{escape(about)}[/]  "
            + say(
                f"строк {fmt.num(f.rows_read - f.rows_service)}, отложено {fmt.num(f.rows_set_aside - f.rows_service)}"
                + (f", итоги, группы и пустые строки {fmt.num(f.rows_service)}" if f.rows_service else ""),
                f"{fmt.num(f.rows_read - f.rows_service)} rows, {fmt.num(f.rows_set_aside - f.rows_service)} set aside"
                + (f", totals, groups and blank rows {fmt.num(f.rows_service)}" if f.rows_service else ""),
            )
        )
    console.print(
        say(
            f"  прочитано {fmt.num(i.rows_read)} = использовано {fmt.num(i.rows_used)}"
            f" + отложено {fmt.num(i.rows_set_aside - i.service_rows)}"
            + (f" + итоги, группы и пустые строки {fmt.num(i.service_rows)}" if i.service_rows else ""),
            f"  read {fmt.num(i.rows_read)} = used {fmt.num(i.rows_used)}"
            f" + set aside {fmt.num(i.rows_set_aside - i.service_rows)}"
            + (f" + totals, groups and blank rows {fmt.num(i.service_rows)}" if i.service_rows else ""),
        )
    )
    console.print(f"  {fmt.period(i.first_date, i.last_date)}, {fmt.money(i.revenue)}")
    for total in i.control_sums:
        off = total.counted - total.stated
        gap = "" if total.agrees else f" ({'+' if off > 0 else ''}{fmt.money_full(off)})"
        agrees = say("сходится", "agrees") if total.agrees else say("не сходится", "does not agree")
        console.print(
            "  "
            + escape(
                say(
                    f"Контрольная сумма ({total.file}, {total.label}): в файле {fmt.money_full(total.stated)}, "
                    f"в расчёте {fmt.money_full(total.counted)}{gap}, {agrees}",
                    f"Control total ({total.file}, {total.label}): {fmt.money_full(total.stated)} in the file, "
                    f"{fmt.money_full(total.counted)} in the calculation{gap}, {agrees}",
                )
            ),
            soft_wrap=True,
        )
    for s in i.set_aside:
        if s.code in SERVICE:
            continue
        example = f"  [dim]{escape(s.example)}[/]" if s.example else ""
        money = f", {fmt.money(s.revenue)}" if s.revenue is not None else ""
        every = abs(i.revenue) + abs(s.revenue or 0.0)
        share = f" ({fmt.share(abs(s.revenue) / every)})" if s.revenue and every else ""
        if s.code == FOREIGN:  # its money is of another kind: no sign, no share
            money, share = "", ""
        console.print(f"    {fmt.num(s.rows):>8}  {escape(s.text.get(lang))}{money}{share}{example}", soft_wrap=True)
    if alone := i.counts.get("unlinked_returns"):
        worth = fmt.money(i.counts.get("unlinked_returns_money", 0))
        console.print(
            say(
                f"  возвраты, чей заказ не найден: {fmt.num(alone)}, {worth}",
                f"  returns whose order was not found: {fmt.num(alone)}, {worth}",
            )
        )
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for head in (say("столбец файла", "column of the file"), say("поле", "field"), say("как", "how")):
        table.add_column(head, overflow="fold")
    seen = set()
    for c in i.columns:
        if (c.header, c.field) in seen:
            continue
        seen.add((c.header, c.field))
        name = field_name(c.field).get(lang) if c.field else "—"
        table.add_row(escape(c.header), escape(name), HOW[c.how].get(lang))
    console.print(table)
    for asked in i.questions:
        console.print(f"[yellow]?[/] {escape(asked.text.get(lang))}")
        if asked.answer:
            console.print(f"    audit.toml: {escape(asked.means.get(lang))}", soft_wrap=True)
            for line in asked.answer.split("\n"):
                console.print(f"      [bold]{escape(line)}[/]", soft_wrap=True)
        for other in asked.others:
            console.print(f"    {say('или', 'or')}: {escape(other.means.get(lang))}", soft_wrap=True)
            for line in other.lines.split("\n"):
                console.print(f"      [bold]{escape(line)}[/]", soft_wrap=True)
    for note in i.notes:
        console.print(f"  · {escape(note.get(lang))}")
    unknown = [p for p in i.people if p.how in ("unknown", "proposed")]
    if unknown:
        console.print(f"[bold]{say('Кто это?', 'Who is this?')}[/]")
        for p in unknown[:10]:
            hint = f" → {p.proposal}?" if p.proposal else ""
            where = field_name(p.field).get(lang)
            console.print(f"  {escape(p.spelling)}{escape(hint)}  [dim]{where}, {fmt.share(p.revenue_share)}[/]")
        if len(unknown) > 10:
            console.print(f"  … {say('ещё', 'more')}: {len(unknown) - 10}")
        for line in alias_lines(unknown[:10]).splitlines():
            console.print(f"      [bold]{escape(line)}[/]", soft_wrap=True)
    pairs = i.duplicate_clients
    if pairs:
        console.print(
            f"[bold]{say('Похоже, один и тот же клиент', 'Perhaps one and the same client')}[/]: {len(pairs)}"
        )
        for d in pairs[:5]:
            console.print(
                f"  {escape(d.name_a)} = {escape(d.name_b)}?  [dim]{fmt.share(d.similarity, 0)}, "
                f"{fmt.money(d.revenue_a)} / {fmt.money(d.revenue_b)}[/]"
            )
    q = case.questionnaire
    filled = [
        TABLES[t].ru if lang == "ru" else TABLES[t].en for t in TABLES if q.has(t) or (t == "company" and q.company)
    ]
    empty = [
        TABLES[t].ru if lang == "ru" else TABLES[t].en
        for t in TABLES
        if not q.has(t) and not (t == "company" and q.company)
    ]
    console.print(f"[bold]{say('Анкета', 'Questionnaire')}[/]: {escape(', '.join(filled)) or '—'}")
    if empty and filled:
        console.print(f"  {say('не заполнено', 'not filled')}: {escape(', '.join(empty))}")
    if not answered(q):
        console.print(f"  {say('Что скажет отчёт без анкеты', 'What a run without it will say')}:")
        for chapter in by_chapter(case, result.findings["findings"], lang):
            rest = f"  [dim]{say('нужно', 'needs')}: {escape(', '.join(chapter.needs))}[/]" if chapter.needs else ""
            console.print(f"    {escape(chapter.title)}: {chapter.ready} / {chapter.all}{rest}", soft_wrap=True)
    for problem in q.problems[:10]:
        console.print(f"  {escape(_place(problem.cell, lang))}: {escape(problem.text.get(lang))}")
    if len(q.problems) > 10:
        console.print(f"  … {say('ещё', 'more')}: {len(q.problems) - 10}")
    files = came(case, lang)
    if files:
        console.print(f"[bold]{say('Пришло от людей', 'What people sent back')}[/]")
    for sent in files:
        rest = "".join(
            f", {word} {fmt.num(sent[key])}"
            for key, word in (("replaced", say("заменено", "replaced")), ("aside", say("отложено", "set aside")))
            if sent[key]
        )
        taken = say(f"взято {sent['used']} из {sent['rows']}", f"{sent['used']} of {sent['rows']} taken")
        about = ": ".join(x for x in (sent["who"], sent["what"]) if x)
        console.print(
            f"  {escape(sent['file'])}  [dim]{escape(sent['kind'])}[/]  {escape(about)}; {taken}{rest}", soft_wrap=True
        )
    for text in wanted(case):
        console.print(f"  [yellow]![/] {escape(text.get(lang))}", soft_wrap=True)
    ready, missing = result.assessable(), result.missing()
    console.print(f"[bold]{say('Можно оценить', 'Can be assessed')}[/]: {len(ready)} / {len(ready) + len(missing)}")
    for reason, ids in _by_reason(missing).items():
        console.print(f"  {escape(reason)}: [dim]{escape(', '.join(ids))}[/]")
    needs = _needs(case, missing, lang)
    if needs:
        console.print(f"{say('Что добавить', 'What to add')}: {escape('; '.join(needs))}")
    if not result.usable:
        console.print(f"[red]✗ {say('Данных нет', 'No data')}[/]")
        return
    tick = result.tick()
    verdict = escape(tick.sentence().get(lang))
    console.print(f"[green]✓ {verdict}[/]" if tick.whole else f"[yellow]? {verdict}[/]")


def _place(cell: str, lang: Lang) -> str:
    """Write where a value stands: «Компания!3» is row 3 of sheet «Компания»; a cell keeps its letter."""
    sheet, mark, at = cell.rpartition("!")
    if not mark:
        return cell
    if at.isdigit():
        return f"лист «{sheet}», строка {at}" if lang == "ru" else f"sheet “{sheet}”, row {at}"
    return f"лист «{sheet}», ячейка {at}" if lang == "ru" else f"sheet “{sheet}”, cell {at}"


def _by_reason(missing: list[tuple[str, str]]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for id, reason in missing:
        out.setdefault(reason, []).append(id)
    return out


def _needs(case: Case, missing: list[tuple[str, str]], lang: Lang) -> list[str]:
    wanted = (need_name(need, lang) for id, _ in missing for need in missing_needs(case, id))
    return list(dict.fromkeys(wanted))
