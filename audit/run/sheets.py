"""Annex sheets between the notebooks and the workbook: Parquet with a JSON beside it, nothing executable."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from audit.findings.money import make_ledger
from audit.method import method
from audit.model.case import Case
from audit.present.annex import Sheet
from audit.present.blocks import Col
from audit.run.effects import saved_findings

__all__ = ["read_sheets", "write_sheets"]

_COL_KEYS = tuple(f.name for f in fields(Col) if f.name != "show")


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of mixed objects turned into text."""
    out = frame.reset_index(drop=True).copy()
    for name in out.columns:
        if out[name].dtype == object:
            out[name] = [None if v is None or v != v else v if isinstance(v, bool) else str(v) for v in out[name]]
            if not all(v is None or isinstance(v, str) for v in out[name]):
                out[name] = [None if v is None else str(v) for v in out[name]]
    out.columns = [str(c) for c in out.columns]
    return out


def write_sheets(folder: Path, chapter: str, sheets: Sequence[Sheet]) -> None:
    """Keep a chapter's sheets below ``folder/sheets`` until the annex is written."""
    target = folder / "sheets"
    target.mkdir(parents=True, exist_ok=True)
    place = list(method().chapters).index(chapter)
    index = []
    for n, sheet in enumerate(sheets):
        name = f"{place:02d}_{chapter}_{n:02d}"
        _storable(sheet.frame).to_parquet(target / f"{name}.parquet")
        index.append(
            {
                "file": f"{name}.parquet",
                "name": sheet.name,
                "title": str(sheet.title),
                "note": str(sheet.note),
                "columns": [{k: getattr(c, k) for k in _COL_KEYS} for c in sheet.columns],
            }
        )
    (target / f"{place:02d}_{chapter}.json").write_text(
        json.dumps(index, ensure_ascii=False), encoding="utf-8", newline="\n"
    )


def _verdict_sheets(findings: Mapping[str, Any], case: Case) -> list[Sheet]:
    """Return findings and metrics of the whole audit: the first sheets of the annex."""
    ru = case.settings.report.lang == "ru"
    lang = case.settings.report.lang
    verdicts = pd.DataFrame(
        [
            {
                "id": f["id"],
                "status": f["status"],
                "severity": f["severity"],
                "title": f["title"],
                "text": f["text"] or f.get("reason", ""),
                "low": (f.get("effect") or {}).get("low"),
                "base": (f.get("effect") or {}).get("base"),
                "high": (f.get("effect") or {}).get("high"),
                "formula": (f.get("effect") or {}).get("formula"),
                "grade": f.get("grade"),
            }
            for f in findings["findings"]
        ]
    )
    figures = pd.DataFrame(
        [
            {
                "id": id,
                "name": method().metrics[id].name.get(lang),
                "value": m["value"],
                "low": m.get("low"),
                "high": m.get("high"),
                "n": m.get("n"),
                "unit": m["unit"],
                "benchmark": m.get("benchmark"),
                "grade": m.get("grade"),
                "reason": m.get("reason"),
                "definition": method().metrics[id].definition.get(lang),
            }
            for id, m in findings["metrics"].items()
        ],
        columns=["id", "name", "value", "low", "high", "n", "unit", "benchmark", "grade", "reason", "definition"],
    )

    def t(russian: str, english: str) -> str:
        return russian if ru else english

    return [
        Sheet(
            t("Выводы", "Findings"),
            t("Все проверки аудита", "Every check of the audit"),
            verdicts,
            [
                Col("id", t("Код", "Id")),
                Col("status", t("Оценка", "Verdict"), "status"),
                Col("severity", t("Значимость", "Severity"), "severity"),
                Col("title", t("Вывод", "Finding")),
                Col("text", t("Пояснение", "Text")),
                Col("low", t("Эффект в год, низкий", "Effect a year, low"), "money_full"),
                Col("base", t("Эффект в год, базовый", "Effect a year, base"), "money_full"),
                Col("high", t("Эффект в год, высокий", "Effect a year, high"), "money_full"),
                Col("formula", t("Как посчитан эффект", "How the effect is computed")),
                Col("grade", t("Доказательность", "Evidence")),
            ],
        ),
        Sheet(
            t("Показатели", "Metrics"),
            t("Все показатели с определениями", "Every metric with its definition"),
            figures,
            [
                Col("id", t("Код", "Id")),
                Col("name", t("Показатель", "Metric")),
                Col("value", t("Значение", "Value"), "num", digits=4),
                Col("low", t("Нижняя граница 95 %", "95% low"), "num", digits=4),
                Col("high", t("Верхняя граница 95 %", "95% high"), "num", digits=4),
                Col("n", "n", "count"),
                Col("unit", t("Единица", "Unit")),
                Col("benchmark", t("Ориентир", "Benchmark"), "num", digits=2),
                Col("grade", t("Доказательность", "Evidence")),
                Col("reason", t("Почему нет значения", "Why there is no value")),
                Col("definition", t("Определение", "Definition")),
            ],
        ),
    ]


def _money_sheet(folder: Path, case: Case) -> list[Sheet]:
    """Return the ledger: what of the headline falls on each client and finding; clients to come have a row a finding."""
    ledger = make_ledger(saved_findings(folder, case.settings.report.lang))
    if ledger is None or not ledger.parts:
        return []
    ru, lang = case.settings.report.lang == "ru", case.settings.report.lang
    names = case.clients().set_index("client_key")["client_name"]

    def t(russian: str, english: str) -> str:
        return russian if ru else english

    to_come = t("Новые клиенты, которые ещё придут", "New clients to come")
    named = set(ledger.by_client["finding"])
    coming = [{"finding": id, "base": base, "client": to_come} for id, base in ledger.parts.items() if id not in named]
    rows = ledger.by_client.assign(client=ledger.by_client["client_key"].map(names))
    frame = pd.concat([rows, pd.DataFrame(coming, columns=["finding", "base", "client"])], ignore_index=True)
    frame["why"] = [method().describe(id, lang) for id in frame["finding"]]
    frame = frame.sort_values(["base", "client_key"], ascending=[False, True], ignore_index=True)

    return [
        Sheet(
            t("Деньги по клиентам", "Money by client"),
            t("Из чего складывается сумма: по клиентам и выводам", "What the sum is made of: by client and finding"),
            frame,
            [
                Col("client_key", t("Код клиента", "Client key")),
                Col("client", t("Клиент", "Client")),
                Col("why", t("Какой вывод засчитан", "Finding that counts")),
                Col("base", t("В год", "A year"), "money_full"),
                Col("cap", t("Приносит в год", "Brings a year"), "money_full"),
            ],
        )
    ]


def read_sheets(folder: Path, findings: Mapping[str, Any], case: Case) -> list[Sheet]:
    """Return all sheets of the annex in reading order."""
    out = [*_verdict_sheets(findings, case), *_money_sheet(folder, case)]
    for index in sorted((folder / "sheets").glob("*.json")):
        for entry in json.loads(index.read_text(encoding="utf-8")):
            frame = pd.read_parquet(folder / "sheets" / entry["file"])
            columns = [Col(**c) for c in entry["columns"]]
            out.append(Sheet(entry["name"], entry["title"], frame, columns, entry["note"]))
    return out
