"""What an audit would have said at an earlier day, from the orders of the newest export up to that day.

The questionnaire tells how things are today: the past is computed without it. A figure is *of the orders* where leaving
the questionnaire out changes nothing today; only such a figure has a past. The rest comes from runs.

Orders are taken as the newest export tells them: what was cancelled or corrected later is so in the past, too. That is
what ``[period] as_of`` does; here the data prepared once are cut instead of read again (a test keeps both the same).
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.engine import open_engine
from audit.intake.addresses import is_elsewhere
from audit.model.calendar import add_months
from audit.model.case import Case, collapse, open_prepared
from audit.run.cases import cache_folder
from audit.run.inputs import Inputs, override
from audit.run.kept import answer_digest, content_digest
from audit.run.leftovers import private_folder
from audit.run.notebook_api import assemble_saved, save_verdicts
from audit.run.notebooks import built_chapters
from audit.run.prepare import prepare
from audit.run.screen import write_out
from audit.settings import Settings

__all__ = ["OF_THE_LENGTH", "Past", "cut_case", "quarter_ends", "read_past"]

_OF_THE_FILE = "data."
"""Figures of how the newest file was read: they have no past."""
OF_THE_LENGTH = frozenset({"retention.second_purchase_naive", "retention.new_probably_old_share"})
"""Figures that move with the length of the export alone, which grows from quarter to quarter."""
_SAME = ("value", "low", "high", "n", "benchmark", "unit", "horizon_days")


@dataclass(frozen=True)
class Past:
    """``quarters``: findings.json by day, oldest first; ``metrics``, ``findings``: ids of what is of the orders alone."""

    quarters: Mapping[dt.date, Mapping[str, Any]]
    metrics: frozenset[str]
    findings: frozenset[str]


def quarter_ends(start: dt.date, as_of: dt.date, recent_months: int = 12) -> list[dt.date]:
    """Return the ends of calendar quarters before ``as_of`` whose last 12 months lie inside the orders, oldest first."""
    out: list[dt.date] = []
    year, quarter = as_of.year, (as_of.month - 1) // 3
    while True:
        day = dt.date(year, quarter * 3 + 1, 1) - dt.timedelta(days=1)
        if add_months(day, -recent_months) + dt.timedelta(days=1) < start:
            return out[::-1]
        if day < as_of:
            out.append(day)
        year, quarter = (year, quarter - 1) if quarter else (year - 1, 3)


def read_past(inputs: Inputs, now: Mapping[str, Any], tell: Callable[[dt.date], None] | None = None) -> Past:
    """Compute every past quarter-end that the orders allow; ``now`` is findings.json of the newest data.

    In an engagement folder each quarter is kept under the content of the inputs, so that a second time nothing is
    computed. ``tell`` hears each day that has to be computed.
    """
    period = now["period"]
    start, as_of = (dt.date.fromisoformat(period[k]) for k in ("start", "as_of"))
    settings = override(
        inputs.settings,
        {  # the norms must not change on the way because a short past measures another type of sale
            "company": {"sale_type": now["sale_type"]["used"], "currency": now["company"]["currency"] or None}
        },
    )
    kept = _Kept(inputs, settings)
    alone = kept.answer(as_of, built_chapters(), tell)
    metrics = frozenset(
        id
        for id, m in now["metrics"].items()
        if not (id.startswith(_OF_THE_FILE) or id in OF_THE_LENGTH)
        and m["value"] is not None
        and _same(m, alone["metrics"].get(id))
    )
    before = {f["id"]: f for f in alone["findings"]}
    findings = frozenset(
        f["id"]
        for f in now["findings"]
        if f["status"] != "not_assessed"
        and set(f["metrics"]) <= metrics
        and f["status"] == before.get(f["id"], {}).get("status")
    )
    chapters = [c for c in built_chapters() if any(id.startswith(f"{c}.") for id in metrics)]
    days = quarter_ends(start, as_of, inputs.settings.period.recent_months)
    return Past({day: kept.answer(day, chapters, tell) for day in days}, metrics, findings)


def _same(a: Mapping[str, Any], b: Mapping[str, Any] | None) -> bool:
    return b is not None and all(a.get(k) == b.get(k) for k in _SAME)


class _Kept:
    """The answers of single days, kept in the engagement's cache; without an engagement folder nothing is kept."""

    def __init__(self, inputs: Inputs, settings: Settings) -> None:
        self._inputs, self._settings = inputs, settings
        self._folder: Path | None = None
        if inputs.folder is not None and not any(is_elsewhere(s) for s in inputs.orders):
            place = inputs.folder.absolute() / ".km-audit" / "past"
            self._folder = place / f"{content_digest(inputs)[:16]}-{answer_digest(settings)}"
            for old in place.glob("*"):  # of other data, or of another kit
                if old != self._folder:
                    shutil.rmtree(old, ignore_errors=True)
        self._prepared: Path | None = None

    def answer(self, day: dt.date, chapters: Collection[str], tell: Callable[[dt.date], None] | None) -> dict[str, Any]:
        place = None if self._folder is None else self._folder / f"{day}.json"
        if place is not None and place.is_file():
            told: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
            return told
        if tell is not None:
            tell(day)
        folder = private_folder()
        try:
            with cut_case(self._source(), day, self._settings, folder / "cut") as case:
                save_verdicts(case, chapters, folder)
                told = assemble_saved(case, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if place is not None:
            write_out(told, place)
        return told

    def _source(self) -> Path:
        if self._prepared is None:
            folder = self._inputs.folder
            cache = cache_folder() if folder is None else folder.absolute() / ".km-audit" / "prepared"
            self._prepared = prepare(self._inputs, cache)
        return self._prepared


@contextmanager
def cut_case(prepared: Path, day: dt.date, settings: Settings, stage: Path) -> Iterator[Case]:
    """Open the prepared orders up to a day, without the questionnaire, as if the export had ended there."""
    stage.mkdir()
    engine = open_engine()
    try:
        engine.attach("lines", prepared / "lines.parquet")
        engine.materialise(
            "SELECT * FROM lines WHERE order_date <= {{ lit(day) }} ORDER BY source_file, source_row",
            stage / "lines.parquet",
            day=day,
        )
        collapse(engine, stage)
        known = engine.query("SELECT max(order_date) AS last FROM lines")
        intake = json.loads((prepared / "intake.json").read_text(encoding="utf-8"))
        intake |= {"last_date": str(known["last"].iloc[0])[:10], "period_end": day.isoformat()}
        (stage / "intake.json").write_text(json.dumps(intake, ensure_ascii=False), encoding="utf-8")
        end = {"as_of": day} | ({"end": day} if settings.period.end is not None else {})
        yield open_prepared(stage, override(settings, {"period": end}), engine=engine)
    finally:
        engine.close()
