"""Effects by client and by draw between the notebooks and the ledger: Parquet below the run that is being made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from audit.errors import Lang
from audit.findings.finding import Effect, Finding
from audit.present.views import finding_from_json

__all__ = ["saved_findings", "write_effects"]


def write_effects(folder: Path, findings: Sequence[Finding]) -> None:
    """Keep the draws of each effect, and its allocation to clients, until the ledger is made."""
    target = folder / "effects"
    target.mkdir(parents=True, exist_ok=True)
    for f in findings:
        if f.effect is None or f.effect.pool is None:
            continue
        pd.DataFrame({"drawn": f.effect.drawn, **f.effect.causes}).to_parquet(target / f"{f.id}.draws.parquet")
        if f.effect.shares is not None:
            f.effect.shares.to_parquet(target / f"{f.id}.shares.parquet")


def _with_draws(effect: Effect, folder: Path, id: str) -> Effect:
    kept, shares = folder / f"{id}.draws.parquet", folder / f"{id}.shares.parquet"
    if not kept.is_file():
        return effect
    draws = pd.read_parquet(kept)
    return replace(
        effect,
        drawn=draws["drawn"].to_numpy(),
        causes={name: draws[name].to_numpy() for name in draws.columns if name != "drawn"},
        shares=pd.read_parquet(shares) if shares.is_file() else None,
    )


def saved_findings(folder: Path, lang: Lang) -> list[Finding]:
    """Return the findings of the chapters saved below ``folder``, their effects with draws."""
    findings = []
    for path in sorted((folder / "chapters").glob("*.json")):
        for raw in json.loads(path.read_text(encoding="utf-8"))["findings"]:
            f = finding_from_json(raw, lang)
            if f.effect is not None:
                f = replace(f, effect=_with_draws(f.effect, folder / "effects", f.id))
            findings.append(f)
    return findings
