"""The case: one engagement's prepared orders, questionnaire, settings and thresholds, frozen.

A case is opened on a *prepared folder*, which intake writes once per content of the inputs:

    lines.parquet          used rows, `LINES_SCHEMA`
    rejected_rows.csv      rows set aside with file, row, column, value, reason
    intake.json            `IntakeReport`
    questionnaire.json     the answers (absent without a questionnaire)
    orders.parquet         documents with the day on which each counts      (audit/model/sql/orders.sql)
    client_day.parquet     client × day, purchases numbered                 (audit/model/sql/client_day.sql)
    clients.parquet        one row per client                               (audit/model/sql/clients.sql)
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.engine import Engine, open_engine
from audit.errors import PreparedError, Text
from audit.method import Thresholds, method
from audit.model.calendar import add_months
from audit.model.intake_report import IntakeReport
from audit.model.questionnaire import Questionnaire
from audit.model.questionnaire_json import questionnaire_from_json
from audit.model.sale_type import SaleTypeFacts, judge_sale_type
from audit.model.truncation import burn_in, contamination
from audit.model.window import Window
from audit.settings import Settings

__all__ = ["TABLES_IN_ORDER", "Case", "collapse", "open_prepared", "sql_text"]

Made = TypeVar("Made")

TABLES_IN_ORDER = ("orders", "client_day", "clients")
"""The collapsed tables, in the order in which each can be made from those before it."""


_MOST_KEPT_ROWS = 10_000
"""Rows of an answer that is kept for whoever asks the same: larger ones would fill the memory."""


@cache
def sql_text(package: str, name: str) -> str:
    """Return the SQL template ``name`` that lies in ``package``'s folder ``sql``."""
    return files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def collapse(engine: Engine, folder: Path) -> None:
    """Collapse ``folder/lines.parquet`` to documents, client × day and clients, each once, as Parquet beside it.

    Every row of every table is of one client, so that many lines are collapsed part by part of the clients (a table is a
    folder of parts then), in less memory.
    """
    lines = folder / "lines.parquet"
    filled, parts = filled_columns(lines), engine.parts(lines)
    for k in range(parts):
        engine.attach("lines", lines, None if parts == 1 else (k, parts))
        for name in TABLES_IN_ORDER:
            path = folder / f"{name}.parquet"
            if parts > 1:
                path.mkdir(exist_ok=True)
                path /= f"{k}.parquet"
            engine.materialise(sql_text("audit.model", name), path, filled=filled)
            engine.attach(name, path)
    if parts > 1:
        for name in ("lines", *TABLES_IN_ORDER):
            engine.attach(name, folder / f"{name}.parquet")


def filled_columns(path: Path) -> frozenset[str]:
    """Return the columns of a Parquet file that hold anything, as its own statistics tell; unknown counts as filled."""
    about = pq.read_metadata(path)
    empty: dict[str, bool] = {}
    for group in range(about.num_row_groups):
        for k in range(about.num_columns):
            column = about.row_group(group).column(k)
            known = column.statistics is not None and column.statistics.has_null_count
            nothing = known and column.statistics.null_count == column.num_values
            empty[column.path_in_schema] = empty.get(column.path_in_schema, True) and nothing
    return frozenset(name for name, nothing in empty.items() if not nothing)


@dataclass(frozen=True)
class Case:
    """One engagement, ready to be diagnosed."""

    folder: Path
    settings: Settings
    thresholds: Thresholds
    questionnaire: Questionnaire
    intake: IntakeReport
    window: Window
    sale_type: SaleTypeFacts
    engine: Engine = field(repr=False, compare=False)
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _answers: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what ``make`` gives, made once for this case under that name."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]  # type: ignore[no-any-return]

    def query(self, template: str, **values: Any) -> pd.DataFrame:
        """Run portable SQL over lines, orders, client_day, clients; ``w`` is the window.

        A case does not change: what another chapter has asked already is not asked again, where the answer is small.
        """
        sql = self.engine.render(template, w=self.window, **values)
        if sql not in self._answers:
            frame = self.engine.ask(sql)
            if len(frame) > _MOST_KEPT_ROWS:
                return frame
            self._answers[sql] = frame
        return self._answers[sql].copy()

    def has(self, *fields: str) -> bool:
        """Whether the orders carry all these canonical fields."""
        return all(f in self.intake.fields for f in fields)

    @cached_property
    def _clients(self) -> pd.DataFrame:
        return self.query("SELECT * FROM clients ORDER BY client_key")

    def clients(self) -> pd.DataFrame:
        """One row per client: name, segment, first/second/third/last order day, order days, revenue, margin."""
        return self._clients.copy()

    def orders(self, limit: int | None = None) -> pd.DataFrame:
        """One row per document, newest last; ``limit`` keeps a notebook light on large data."""
        tail = f" LIMIT {int(limit)}" if limit is not None else ""
        return self.query(f"SELECT * FROM orders ORDER BY day, client_key, order_id{tail}")

    @property
    def company_name(self) -> str:
        """The client company's name."""
        return str(self.settings.company.name or self.questionnaire.company.get("name") or "—")

    @property
    def currency(self) -> str:
        """Currency code of all money; empty where nothing says it."""
        return str(self.settings.company.currency or self.questionnaire.company.get("currency") or self.intake.currency)

    @property
    def project_sales(self) -> bool:
        """Whether a deal happens once per client; default by type of sale (methodology 5.4)."""
        stated = self.project_sales_stated
        return self.sale_type.used in ("C", "S", "CS") if stated is None else stated

    @property
    def project_sales_stated(self) -> bool | None:
        """What settings or questionnaire say of it; None where nobody said anything."""
        for given in (self.settings.company.project_sales, self.questionnaire.company.get("project_sales")):
            if given is not None:
                return bool(given)
        return None

    @cached_property
    def annual_revenue(self) -> float:
        """Net revenue of the last 12 months (of the whole window scaled to a year where it is shorter)."""
        w = self.window
        frame = self.query(
            "SELECT {{ double('coalesce(sum(revenue), 0)') }} AS revenue FROM client_day WHERE day >= {{ lit(since) }}",
            since=max(w.recent_start, w.start),
        )
        total = float(frame["revenue"].iloc[0])
        if w.recent_is_whole:
            return total
        return total * 365.25 / max(w.days, 1)

    def close(self) -> None:
        """Release the engine."""
        self.engine.close()


def open_prepared(folder: Path, settings: Settings, *, engine: Engine | None = None) -> Case:
    """Open a prepared folder as a `Case`; raise `PreparedError` where it is not whole."""
    for name in ("intake.json", "lines.parquet", *(f"{t}.parquet" for t in TABLES_IN_ORDER)):
        if not (folder / name).exists():
            raise PreparedError(
                Text(f"В подготовленной папке нет {name}", f"The prepared folder lacks {name}"),
                where=str(folder),
                todo=Text("Запустите аудит заново", "Run the audit again"),
            )
    engine = engine or open_engine()  # the prepared lines lie on this computer, whoever has read them
    for name in ("lines", *TABLES_IN_ORDER):
        engine.attach(name, folder / f"{name}.parquet")
    intake = IntakeReport.from_json(json.loads((folder / "intake.json").read_text(encoding="utf-8")))
    q_path = folder / "questionnaire.json"
    questionnaire = (
        questionnaire_from_json(json.loads(q_path.read_text(encoding="utf-8"))) if q_path.exists() else Questionnaire()
    )
    ours = settings.inputs.questionnaire_is_ours
    if ours is False or (ours is None and any(q.kind == "questionnaire" for q in intake.questions)):
        questionnaire = Questionnaire()
    thresholds = method().thresholds.override(settings.thresholds)
    window = _window(engine, settings, thresholds, intake)
    declared = settings.company.sale_type or questionnaire.company.get("sale_type")
    sale_type = judge_sale_type(
        engine, window, thresholds, None if declared in (None, "unknown") else str(declared), questionnaire.company
    )
    return Case(folder, settings, thresholds, questionnaire, intake, window, sale_type, engine)


def _window(engine: Engine, settings: Settings, thresholds: Thresholds, intake: IntakeReport) -> Window:
    period = settings.period
    start = period.start or intake.period_start or intake.first_date
    end = period.end or intake.period_end or intake.last_date
    as_of = period.as_of or end
    days = max((as_of - start).days, 0)
    gaps, first = _truncated(engine, start)
    if period.burn_in_days is not None:
        burn, source = period.burn_in_days, "setting"
    else:
        burn = burn_in(
            gaps,
            first,
            days,
            least=thresholds.count("period.burn_in_min_days"),
            most_share=thresholds.value("period.burn_in_max_window_share"),
            allowed=thresholds.value("period.burn_in_probably_old_share"),
        )
        source = "rule"
    old = contamination(gaps, first, days, burn) if days else float("nan")
    months = period.recent_months
    recent_start = add_months(as_of, -months) + dt.timedelta(days=1)
    return Window(
        start=start,
        end=end,
        as_of=as_of,
        burn_in_days=burn,
        burn_in_source=source,
        new_from=start + dt.timedelta(days=burn),
        recent_start=recent_start,
        prior_start=add_months(as_of, -2 * months) + dt.timedelta(days=1),
        horizon_days=period.horizon_days,
        probably_old_share=None if np.isnan(old) else min(old, 1.0),
    )


def _truncated(engine: Engine, start: dt.date) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every gap between purchases since ``start``, and the day since then on which each client first bought."""
    gaps = engine.query(
        "SELECT CAST(gap_days AS BIGINT) AS days, CAST(count(*) AS BIGINT) AS n FROM client_day "
        "WHERE gap_days IS NOT NULL AND previous_day >= {{ lit(start) }} GROUP BY gap_days ORDER BY gap_days",
        start=start,
    )
    first = engine.query(
        "SELECT CAST({{ days_between(lit(start), 'first_day') }} AS BIGINT) AS days FROM clients "
        "WHERE first_day >= {{ lit(start) }} ORDER BY first_day",
        start=start,
    )
    return gaps["days"].to_numpy().repeat(gaps["n"].to_numpy()), first["days"].to_numpy()
