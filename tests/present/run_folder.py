"""A small run folder written by hand: notebooks as papermill would leave them, and report.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from markupsafe import Markup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from audit.errors import Lang, Text
from audit.findings.finding import Finding
from audit.model.result import Metric
from audit.present.blocks import Col, FindingView, Section, definition, executive_page, finding_card, table
from audit.present.chart import Band, Benchmark, Caption
from audit.present.charts.draw import step_curve
from audit.present.format import Fmt
from audit.present.report import ChapterEntry, DefinitionEntry, ReportContext, ThresholdEntry

NASTY = [
    "</script><script>document.title='hacked'</script>",
    "<img src=x onerror=\"document.title='hacked'\">",
    "$x$ 'одинарные' \"двойные\" «ёлочки»",
    "=1+1",
    "Ё" * 300,
    "😀 № 5 ₽",
]

_FINDING = Finding(
    "retention.leaky_first_purchase",
    "found",
    "major",
    metrics=("retention.second_purchase_share",),
    grade="C",
    table="once",
)
_METRIC = Metric("retention.second_purchase_share", 0.61, "share", "low", 0.57, 0.65, 412, 0.67, "EK", "C")


def _cell(*shown: Section | str) -> nbformat.NotebookNode:
    return new_code_cell("hidden_source()", outputs=[_output(s) for s in shown])


def _output(shown: Section | str) -> nbformat.NotebookNode:
    if isinstance(shown, str):
        return new_output("stream", text=shown)
    data, metadata = shown._repr_mimebundle_()
    return new_output("display_data", data=data, metadata=metadata)


def write_run(folder: Path, lang: Lang = "ru", *, company: str = "ООО «Ромашка»", rows: int = 60) -> Path:
    """Write a run folder with a summary, one full chapter, one silent, one failed."""
    fmt = Fmt(lang, "RUB")

    def say(ru: str, en: str) -> str:
        return Text(ru, en).get(lang)

    view = FindingView(
        _FINDING,
        say("Второй раз покупают 61 %", "61% buy again"),
        say("Норма выше.", "The norm is higher."),
        _METRIC,
        say("Вторая покупка", "Second purchase"),
        Band(0.67, 0.67, "low"),
        href="#chart-km",
        sheet="retention.list",
    )
    page_one = executive_page(
        fmt=fmt,
        verdict=say("Новые клиенты не возвращаются.", "New clients do not return."),
        findings=[view],
        how_sure=[say("36 месяцев заказов.", "36 months of orders.")],
    )
    chart = step_curve(
        Caption("km", say("61 % покупают второй раз", "61% buy a second time"), note="n = 412"),
        [0, 100, 365],
        [0.0, 0.4, 0.61],
        fmt=fmt,
        low=[0, 0.36, 0.57],
        high=[0, 0.44, 0.65],
        mark=Benchmark(0.67, say("норма ≥ 67 %", "norm ≥ 67%")),
        horizon=365,
    )
    names = [NASTY[i] if i < len(NASTY) else f"{say('Клиент', 'Client')} {i}" for i in range(rows)]
    revenue = [1e6 - 1000.0 * i for i in range(rows)]
    frame = pd.DataFrame({"client": names, "revenue": revenue, "n": [i % 9 for i in range(rows)]})
    cols = [
        Col("client", say("Клиент", "Client"), note=say("как в заказах", "as in the orders")),
        Col("revenue", say("Выручка", "Revenue"), "money_full"),
        Col("n", "n", "count"),
    ]
    wide = pd.DataFrame({f"c{i}": [0.1 * i, 0.2] for i in range(24)})
    chapter = [
        new_code_cell(
            "hidden_source()", metadata={"tags": ["parameters"]}, outputs=[new_output("stream", text="PARAM")]
        ),
        _cell(
            Section(
                "second",
                say("Вторая покупка", "Second purchase"),
                [
                    chart,
                    say("Когорта — это группа новых клиентов.", "A cohort is a group of new clients."),
                    Markup("<p>{}</p>").format(definition(say("слово", "word"), say("его смысл", "its meaning"))),
                ],
            )
        ),
        _cell(
            Section(
                "list",
                say("Список", "List"),
                [
                    table(frame, cols, fmt=fmt, caption=say("Клиенты", "Clients"), sheet="retention.list"),
                    table(wide, [Col(c, c, "share") for c in wide], fmt=fmt, caption=say("Широкая", "Wide")),
                ],
            )
        ),
        _cell(Section("cards", say("Выводы", "Findings"), [finding_card(view, fmt)])),
        new_markdown_cell(say("## Дополнено\n\nСлова аналитика.", "## Added\n\nThe analyst's words.")),
    ]
    failed = new_code_cell("x", outputs=[new_output("error", ename="KeyError", evalue="'нет'", traceback=["след"])])
    notebooks = {"00_summary": [_cell(page_one)], "40_retention": chapter, "50_base": [], "60_keys": [failed]}
    (folder / "notebooks").mkdir(parents=True)
    for name, cells in notebooks.items():
        nbformat.write(new_notebook(cells=cells), folder / "notebooks" / f"{name}.ipynb")
    context = ReportContext(
        lang=lang,
        company=company,
        period={"start": "2023-01-01", "end": "2025-12-31", "as_of": "2025-12-31"},
        sale_type={"used": "TC", "name": say("Транзакционные", "Transactional")},
        data={"rows_read": 1000, "rows_used": 990, "orders": 400, "clients": 60, "revenue": 1.5e6},
        chapters=(
            ChapterEntry(id="summary", title="Главное", notebook="00_summary.ipynb"),
            ChapterEntry(id="retention", title=say("Удержание", "Retention"), notebook="40_retention.ipynb"),
            ChapterEntry(id="base", title=say("База", "Base"), notebook="50_base.ipynb"),
            ChapterEntry(id="keys", title=say("Ключевые", "Keys"), notebook="60_keys.ipynb", status="failed"),
        ),
        findings=(
            {
                "id": _FINDING.id,
                "status": "found",
                "severity": "major",
                "metrics": list(_FINDING.metrics),
                "title": str(view.title),
                "text": "",
                "grade": "C",
            },
            {
                "id": "base.long_tail",
                "status": "not_assessed",
                "reason": say("нет маржи", "no margin"),
                "metrics": [],
                "title": say("Длинный хвост", "Long tail"),
            },
        ),
        metrics={
            _METRIC.id: {
                "value": 0.61,
                "unit": "share",
                "bad": "low",
                "low": 0.57,
                "high": 0.65,
                "n": 412,
                "benchmark": 0.67,
                "benchmark_source": "EK",
                "grade": "C",
                "name": "x",
            }
        },
        thresholds=(
            ThresholdEntry(
                id=_FINDING.id,
                name=say("Порог", "Limit"),
                unit="share",
                source="EK",
                watch=0.67,
                found=0.67,
                bad="low",
                overridden=True,
            ),
        ),
        definitions=(
            DefinitionEntry(
                id=_METRIC.id,
                name=say("Доля", "Share"),
                definition=say("Смысл", "Sense"),
                formula="1 − S(365)",
                source="EK",
            ),
        ),
        consultant="Консультант & Ко",
        confidentiality=say('Только для "своих"', "Eyes only"),
        dated="2026-01-15",
        versions={"km-audit": "0.1.0"},
    )
    (folder / "report.json").write_text(context.as_json(), encoding="utf-8")
    return folder


def add_quiet_chapter(run: Path, lang: Lang = "ru") -> Path:
    """Add the chapter «Сервис» to a run folder: nothing found, a section with the picture of a clear finding, a list
    that proves nothing, and two cells of an analyst's."""
    fmt = Fmt(lang, "RUB")

    def say(ru: str, en: str) -> str:
        return Text(ru, en).get(lang)

    chart = step_curve(Caption("service-months", say("Опоздания", "Late")), [0, 1], [0.0, 0.1], fmt=fmt)
    frame = pd.DataFrame({"client": [f"{say('Лютик', 'Buttercup')} {k}" for k in range(12)], "late": range(12)})
    for name in ("manager", "who", "step"):
        frame[name] = say("как есть", "as it is")
    cols = [
        Col("client", say("Клиент", "Client")),
        Col("late", say("Опозданий", "Late"), "count"),
        *(Col(n, n) for n in ("manager", "who", "step")),
    ]
    cells = [
        _cell(Section("service-findings", say("Выводы главы", "Findings of this chapter"), [say("слова", "words")])),
        _cell(Section("service-months", say("По месяцам", "By month"), [chart])),
        _cell(Section("service-to-call", say("Кому звонить", "Whom to call"), [table(frame, cols, fmt=fmt)])),
        _cell(Section("mine", say("Моё", "Mine"), [say("Ячейка аналитика", "An analyst's cell")])),
        new_markdown_cell(say("Слова аналитика о сервисе.", "The analyst's words on service.")),
    ]
    nbformat.write(new_notebook(cells=cells), run / "notebooks" / "80_service.ipynb")
    path = run / "report.json"
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    told["chapters"].insert(2, {"id": "service", "title": say("Сервис", "Service"), "notebook": "80_service.ipynb"})
    told["findings"].append(
        {"id": "service.late", "status": "clear", "metrics": [], "title": say("Опозданий мало", "Few are late")}
    )
    path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return run
