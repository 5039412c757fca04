"""Effects by client between the notebooks and the ledger: Parquet below the run that is being made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from audit.findings.finding import Finding
from audit.findings.money import Ledger, annual_figure, make_ledger
from audit.model.case import Case
from audit.present.views import finding_from_json

__all__ = ["case_ledger", "saved_ledger", "write_effects"]


def case_ledger(case: Case, findings: Sequence[Finding]) -> Ledger | None:
    """Return the ledger of findings that are still in memory."""
    return make_ledger(findings, annual_figure(case))


def write_effects(folder: Path, findings: Sequence[Finding]) -> None:
    """Keep the allocation of each effect to clients until the ledger is made."""
    target = folder / "effects"
    target.mkdir(parents=True, exist_ok=True)
    for f in findings:
        if f.effect is not None and f.effect.by_client is not None:
            frame = f.effect.by_client[["client_key", "low", "base", "high"]]
            frame.reset_index(drop=True).to_parquet(target / f"{f.id}.parquet")


def saved_ledger(case: Case, folder: Path) -> Ledger | None:
    """Return the ledger of the chapters saved below ``folder``."""
    findings = []
    for path in sorted((folder / "chapters").glob("*.json")):
        for raw in json.loads(path.read_text(encoding="utf-8"))["findings"]:
            f = finding_from_json(raw, case.settings.report.lang)
            kept = folder / "effects" / f"{f.id}.parquet"
            if f.effect is not None and kept.is_file():
                f = replace(f, effect=replace(f.effect, by_client=pd.read_parquet(kept)))
            findings.append(f)
    return make_ledger(findings, annual_figure(case))
