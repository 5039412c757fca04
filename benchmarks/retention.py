"""The whole retention chapter on many order lines: this kit beside plain pandas with the same definitions.

    python benchmarks/retention.py --lines 10000000 --clients 200000

Lines of an invented distributor are written once. Then two processes of their own compute the chapter from them: the
kit (SQL on embedded DuckDB, client-level frames in pandas) and a plain pandas program that builds the same frames with
groupby and merge. Both feed the very same statistics, so every difference in time and memory is in the heavy part.
Wall time, peak memory and the largest difference between the metrics are printed. ``--small`` is for a quick look.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in every run of the kit, see audit/run/__init__.py

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from audit.model.case import sql_text
from audit.model.orders import LINES_SCHEMA

Frame = pd.DataFrame
FIELDS = ("order_id", "order_date", "client_id", "amount", "margin", "manager", "sku", "sku_group", "segment", "client")


def write_canonical(folder: Path, lines: int, clients: int) -> None:
    """Write ``lines.parquet`` and ``intake.json`` as intake would."""
    from audit.model.intake_report import IntakeReport
    from tools.samples import generate_lines

    writer = pq.ParquetWriter(folder / "lines.parquet", LINES_SCHEMA)
    first = last = None
    done, revenue = 0, 0.0
    for part in generate_lines(lines, clients):
        n = len(part)
        columns: dict[str, Any] = {}
        for f in LINES_SCHEMA:
            source = {"client_key": "client_id", "client_name": "client_id"}.get(f.name, f.name)
            if source in part:
                values = part[source].round(4) if source in ("amount", "margin", "qty") else part[source]
                array = pa.array(values, from_pandas=True)
                if pa.types.is_decimal(f.type):
                    array = array.cast(pa.float64()).cast(f.type, safe=False)
                columns[f.name] = array.cast(f.type)
            elif f.name == "source_file":
                columns[f.name] = pa.array(["bulk"] * n)
            elif f.name == "source_row":
                columns[f.name] = pa.array(np.arange(done, done + n))
            else:
                columns[f.name] = pa.nulls(n, f.type)
        writer.write_table(pa.table(columns, schema=LINES_SCHEMA))
        dates = pd.to_datetime(part["order_date"])
        first = dates.min() if first is None else min(first, dates.min())
        last = dates.max() if last is None else max(last, dates.max())
        done += n
        revenue += float(part["amount"].sum())
    writer.close()
    assert first is not None and last is not None
    report = IntakeReport(
        files=(),
        columns=(),
        fields=tuple(sorted(FIELDS)),
        field_coverage={f: 1.0 for f in FIELDS},
        rows_read=done,
        rows_used=done,
        rows_set_aside=0,
        set_aside=(),
        first_date=first.date(),
        last_date=last.date(),
        revenue=revenue,
    )
    (folder / "intake.json").write_text(json.dumps(report.as_json(), ensure_ascii=False), encoding="utf-8")


# --- plain pandas


def as_decimal(frame: Frame, columns: list[str]) -> Frame:
    """Put sums of money on the doubles that Arrow gives for DECIMAL(18,4), so that equal sums are equal bits."""
    return frame.assign(**{c: np.rint(frame[c] * 1e4) * 1e-4 for c in columns})


_GROUND = ("margin", "purchases")
"""Queries of the common ground."""


def first_lines() -> dict[str, str]:
    """Return the first comment line of every query that has an answer here, and the answer's name."""
    of_chapter = [name[2:] for name in vars(PandasCase) if name.startswith("q_") and name[2:] not in _GROUND]
    texts = {name: sql_text("audit.chapters.retention", name) for name in of_chapter}
    texts |= {name: sql_text("audit.ground", name) for name in _GROUND}
    return {text.split("\n", 1)[0]: name for name, text in texts.items()}


@dataclass
class PandasCase:
    """Stands in for a `Case`: the same questions, answered by pandas frames instead of SQL.

    ``day``: client × day; ``base``: clients; both made by `collapse`. A copy with another window answers for that.
    """

    real: Any
    lines: Frame
    window: Any
    day: Frame = field(default_factory=pd.DataFrame)
    base: Frame = field(default_factory=pd.DataFrame)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def query(self, template: str, **values: Any) -> Frame:
        """Answer a query of the chapter by its first comment line."""
        key = template.split("\n", 1)[0]
        known = first_lines()
        if key not in known:
            raise KeyError(f"no pandas answer for {key!r}")
        answer: Frame = getattr(self, f"q_{known[key]}")(**values)
        return answer

    def clients(self) -> Frame:
        """One row per client."""
        return self.base.copy()

    @property
    def annual_revenue(self) -> float:
        """Net revenue of the last 12 months."""
        w = self.window
        return float(self.day.loc[self.day["day"] >= pd.Timestamp(w.recent_start), "revenue"].sum())

    def collapse(self) -> None:
        """Lines to documents, client × day and clients."""
        lines = self.lines
        lines["plus"] = lines["amount"].clip(lower=0)
        keys = ["client_key", "order_id", "order_date"]
        doc = (
            lines.groupby(keys, sort=False)
            .agg(
                revenue=("amount", "sum"),
                gross=("plus", "sum"),
                margin=("margin", "sum"),
                margin_lines=("margin", "count"),
                lines=("amount", "size"),
                manager=("manager", "min"),
            )
            .reset_index()
        )
        sold = doc.loc[doc["gross"] > 0, keys]
        life = doc.groupby(["client_key", "order_id"], sort=False)["revenue"].sum().rename("life_revenue").reset_index()
        life = life.merge(
            sold.groupby(["client_key", "order_id"])["order_date"].min().rename("first_sold").reset_index(), how="left"
        )
        back = doc.loc[doc["gross"] == 0, keys].merge(
            sold.rename(columns={"order_date": "sold_day"}), on=["client_key", "order_id"]
        )
        back["before"] = back["sold_day"].where(back["sold_day"] <= back["order_date"])
        link = back.groupby(keys).agg(before=("before", "max"), any_day=("sold_day", "min")).reset_index()
        doc = doc.merge(life, on=["client_key", "order_id"], how="left").merge(link, on=keys, how="left")
        taken_back = doc["before"].fillna(doc["any_day"]).fillna(doc["order_date"])
        day = doc["order_date"].where(doc["gross"] > 0, taken_back)
        doc["day"] = doc["first_sold"].where((doc["life_revenue"] <= 0) & doc["first_sold"].notna(), day)
        doc["is_order"] = ((doc["gross"] > 0) & (doc["life_revenue"] > 0)).astype(int)
        per = (
            doc.groupby(["client_key", "day"], sort=True)
            .agg(
                revenue=("revenue", "sum"),
                margin=("margin", "sum"),
                margin_lines=("margin_lines", "sum"),
                orders=("is_order", "sum"),
                lines=("lines", "sum"),
            )
            .reset_index()
        )
        per = as_decimal(per, ["revenue", "margin"])
        seller = doc[doc["manager"].notna() & (doc["gross"] > 0)]
        seller = seller.groupby(["client_key", "day", "manager"])["gross"].sum().reset_index()
        seller = seller.sort_values(["client_key", "day", "gross", "manager"], ascending=[True, True, False, True])
        seller = seller.drop_duplicates(["client_key", "day"])[["client_key", "day", "manager"]]
        item = lines[lines["amount"] > 0].groupby(["client_key", "order_date"])["sku"].nunique()
        item = item.rename("items").reset_index().rename(columns={"order_date": "day"})
        per = per.merge(seller, on=["client_key", "day"], how="left").merge(item, on=["client_key", "day"], how="left")
        per["items"] = per["items"].fillna(0).astype(np.int64)
        per["month_index"] = per["day"].dt.year * 12 + per["day"].dt.month - 1
        bought = per[per["revenue"] > 0]
        by = bought.groupby("client_key")
        per["purchase_no"] = (by.cumcount() + 1).reindex(per.index)
        per["previous_day"] = by["day"].shift().reindex(per.index)
        per["gap_days"] = (per["day"] - per["previous_day"]).dt.days
        self.day = per
        base = per.groupby("client_key").agg(
            revenue=("revenue", "sum"), margin=("margin", "sum"), orders=("orders", "sum")
        )
        for name, k in (("first_day", 1), ("second_day", 2), ("third_day", 3)):
            base[name] = per.loc[per["purchase_no"] == k].set_index("client_key")["day"].reindex(base.index)
        base["last_day"] = bought.groupby("client_key")["day"].max().reindex(base.index)
        base["order_days"] = bought.groupby("client_key").size().reindex(base.index).fillna(0).astype(np.int64)
        about = lines.groupby("client_key").agg(client_name=("client_name", "min"), segment=("segment", "min"))
        base = base.join(about)
        base["client_since"] = pd.NaT
        self.base = base.reset_index()

    def q_clients(self, judged_from: Any) -> Frame:
        """As clients.sql."""
        w = self.window
        start, recent, prior = (pd.Timestamp(d) for d in (w.start, w.recent_start, w.prior_start))
        d = self.day[(self.day["day"] >= start) & (self.day["day"] <= pd.Timestamp(w.as_of))].copy()
        bought = d["purchase_no"].notna()
        first = d["purchase_no"] == 1
        known = d["margin_lines"] == d["lines"]
        period = {"recent": d["day"] >= recent, "prior": (d["day"] >= prior) & (d["day"] < recent)}
        judged = d["day"] >= pd.Timestamp(judged_from)
        d["margin_known"], d["margin_base"] = d["margin"].where(known), d["revenue"].where(known)
        d["bought_day"] = d["day"].where(bought)
        d["month_of_year"] = (d["month_index"] % 12).where(bought)
        d["first_rev"] = d["revenue"].where(first, 0)
        for name, inside in period.items():
            d[f"{name}_revenue"] = d["revenue"].where(inside, 0)
            d[f"{name}_bought"] = d["revenue"].where(inside & bought, 0)
            d[f"{name}_days"] = (inside & bought).astype(np.int64)
            d[f"{name}_items"] = d["items"].where(inside & bought, 0)
        d["judged_revenue"] = d["revenue"].where(judged, 0)
        d["judged_margin"] = d["margin"].where(judged & known, 0)
        d["judged_orders"] = d["orders"].where(judged, 0)
        d["judged_first_revenue"] = d["revenue"].where(judged & first, 0)
        d["judged_first_margin"] = d["margin"].where(judged & first & known, 0)
        d["judged_first_orders"] = d["orders"].where(judged & first, 0)
        sums = {c: (c, "sum") for c in d.columns if c.startswith(("recent_", "prior_", "judged_"))}
        out = d.groupby("client_key").agg(
            first_seen_day=("bought_day", "min"),
            last_day=("bought_day", "max"),
            order_days=("bought_day", "count"),
            calendar_months=("month_of_year", "nunique"),
            orders=("orders", "sum"),
            revenue=("revenue", "sum"),
            margin=("margin_known", "sum"),
            margin_revenue=("margin_base", "sum"),
            first_revenue=("first_rev", "sum"),
            **sums,
        )
        out["first_manager"] = d.loc[first].groupby("client_key")["manager"].min()
        base = self.base.set_index("client_key")
        out = out.join(base[["client_name", "segment", "client_since", "first_day", "second_day", "third_day"]])
        d = d.merge(out[["last_day", "first_seen_day", "second_day"]], left_on="client_key", right_index=True)
        back = (d["last_day"] - d["day"]).dt.days
        after = (d["day"] - d["second_day"]).dt.days
        d["ly"] = d["revenue"].where(back.between(0, 364), 0)
        d["sy"] = d["revenue"].where(after.between(0, 364), 0)
        out["last_year_revenue"] = d.groupby("client_key")["ly"].sum()
        out["second_year_revenue"] = d.groupby("client_key")["sy"].sum()
        later = d[d["purchase_no"].notna() & (d["day"] > d["first_seen_day"])]
        out["second_seen_day"] = later.groupby("client_key")["day"].min()
        out["last_manager"] = d.loc[d["day"] == d["last_day"]].set_index("client_key")["manager"]
        money = [c for c in out.columns if "revenue" in c or "margin" in c or "bought" in c]
        return as_decimal(out, money).reset_index().sort_values("client_key").reset_index(drop=True)

    def q_cohorts(self, step: int) -> Frame:
        """As cohorts.sql."""
        w = self.window
        d = self.day[self.day["day"] >= pd.Timestamp(w.start)]
        d = d.merge(self.base[["client_key", "first_day"]].dropna(), on="client_key")
        d["cohort"] = (d["first_day"].dt.year * 12 + d["first_day"].dt.month - 1) // step
        d["period"] = d["month_index"] // step
        cell = d.groupby(["client_key", "cohort", "period"]).agg(n=("purchase_no", "count"), revenue=("revenue", "sum"))
        cell = cell.reset_index()
        cell["age"] = cell["period"] - cell["cohort"]
        cell["active"] = (cell["n"] > 0).astype(np.int64)
        return cell.groupby(["cohort", "age"])[["active", "revenue"]].sum().reset_index()

    def _bought(self) -> Frame:
        """Order days of the window."""
        d, w = self.day, self.window
        inside = (d["day"] >= pd.Timestamp(w.start)) & (d["day"] <= pd.Timestamp(w.as_of))
        return d[d["purchase_no"].notna() & inside]

    def _gaps(self) -> Frame:
        """Gaps that lie in the window whole."""
        d = self._bought()
        whole = d["gap_days"].notna() & (d["previous_day"] >= pd.Timestamp(self.window.start))
        return d.loc[whole, ["client_key", "purchase_no", "previous_day", "day", "gap_days"]]

    def q_gaps(self) -> Frame:
        """As gaps.sql."""
        by = self._gaps().groupby("client_key")
        return by.agg(gaps=("gap_days", "size"), median_gap_days=("gap_days", "median")).reset_index()

    def q_rhythm_days(self, least: int) -> Frame:
        """As rhythm_days.sql."""
        d = self._bought().sort_values(["client_key", "day"])
        enough = d.groupby("client_key")["day"].transform("size") >= least
        return d.loc[enough, ["client_key", "day"]].reset_index(drop=True)

    def q_last_days(self, days: int) -> Frame:
        """As last_days.sql."""
        d = self._bought().sort_values(["client_key", "day"])
        return d.groupby("client_key").tail(days)[["client_key", "day"]].reset_index(drop=True)

    def q_seasons(self, tolerance: float) -> Frame:
        """As seasons.sql."""
        d = self._bought()[["client_key", "day"]]
        last = d.groupby("client_key")["day"].transform("max")
        before = (last - d["day"]).dt.days
        silent = (pd.Timestamp(self.window.as_of) - last).dt.days
        wide, narrow = silent * (1 - tolerance), silent * tolerance
        d = d.assign(before=before)
        for name, days in (("one", 365), ("two", 730)):
            d[name] = ((before > days - wide) & (before < days - narrow)).astype(int)
        years = d[silent < 365].groupby("client_key")[["before", "one", "two"]]
        known, met = years.max()["before"], years.sum()
        same = (known >= 365) & (met["one"] == 0) & ((known < 730) | (met["two"] == 0))
        return pd.DataFrame({"client_key": known.index[same]})

    def q_second_acts(self) -> Frame:
        """As second_acts.sql."""
        as_of = pd.Timestamp(self.window.as_of)
        again = self.base.loc[self.base["second_day"] <= as_of, ["client_key", "second_day"]]
        d = self.day.loc[self.day["day"] <= as_of, ["client_key", "day", "revenue"]].merge(again, on="client_key")
        d["age"] = (d["day"] - d["second_day"]).dt.days
        d = d[d["age"].between(0, 364)].sort_values(["client_key", "day"])
        return d[["client_key", "age", "revenue"]].reset_index(drop=True)

    def q_year_ago(self, until: Any) -> Frame:
        """As year_ago.sql."""
        last = self._bought().groupby("client_key")["day"].max().rename("last_day").reset_index()
        inside = (self.day["day"] >= pd.Timestamp(self.window.start)) & (self.day["day"] <= pd.Timestamp(until))
        d = self.day[inside].merge(last, on="client_key")
        back = (d["last_day"] - d["day"]).dt.days
        d["at_stake"] = d["revenue"].where(back.between(0, 364), 0.0)
        d["returned"] = ((back < 0) & d["purchase_no"].notna()).astype(np.int64)
        out = d.groupby("client_key").agg(
            last_day=("last_day", "min"), at_stake=("at_stake", "sum"), returned=("returned", "max")
        )
        out = as_decimal(out.reset_index(), ["at_stake"])
        return out.merge(self.base[["client_key", "segment"]], on="client_key")

    def q_purchases(self, up_to: int) -> Frame:
        """As purchases.sql of the common ground."""
        w = self.window
        maybe = (self.base["first_day"] >= pd.Timestamp(w.new_from)) | (
            pd.to_datetime(self.base["client_since"]) >= pd.Timestamp(w.start)
        )
        d = self.day[self.day["client_key"].isin(self.base.loc[maybe, "client_key"])]
        d = d[d["purchase_no"].notna() & (d["day"] <= pd.Timestamp(w.as_of))].sort_values(["client_key", "day"])
        d["next_day"] = d.groupby("client_key")["day"].shift(-1)
        d = d[d["purchase_no"] <= up_to]
        columns = ["client_key", "purchase_no", "day", "month_index", "revenue", "manager", "next_day"]
        return as_decimal(d[columns].reset_index(drop=True), ["revenue"])

    def q_margin(self, since: Any) -> Frame:
        """As margin.sql of the common ground."""
        w = self.window
        dates = self.lines["order_date"]
        lines = self.lines[(dates >= pd.Timestamp(since)) & (dates <= pd.Timestamp(w.as_of))]
        known = lines["margin"].notna()
        out = lines.assign(known=lines["amount"].where(known, 0.0)).groupby("client_key")
        sums = out.agg(revenue=("amount", "sum"), margin=("margin", "sum"), known=("known", "sum")).reset_index()
        return as_decimal(sums, ["revenue", "margin", "known"])

    def q_silences(self, multiple: float, min_days: int, min_gaps: int) -> Frame:
        """As silences.sql."""
        g = self._gaps()
        as_of = pd.Timestamp(self.window.as_of)
        closed = g[g["gap_days"] >= min_days].rename(columns={"gap_days": "silent_days"})
        closed = closed.assign(followed_days=(as_of - closed["previous_day"]).dt.days, returned=1)
        end = self._bought().groupby("client_key").agg(purchase_no=("purchase_no", "max"), day=("day", "max"))
        end = end.reset_index()
        end["silent_days"] = (as_of - end["day"]).dt.days
        end["purchase_no"] += 1
        end = end[end["silent_days"] >= min_days]
        end = end.assign(followed_days=end["silent_days"], returned=0)
        keys = ["client_key", "purchase_no", "silent_days", "followed_days", "returned"]
        s = pd.concat([closed, end])[keys]
        j = s.merge(g.rename(columns={"purchase_no": "no"})[["client_key", "no", "gap_days"]], on="client_key")
        j = j[j["no"] < j["purchase_no"]]
        j["short"] = (multiple * j["gap_days"] < j["silent_days"]).astype(int)
        n = j.groupby(keys).agg(gaps_before=("short", "size"), short=("short", "sum")).reset_index()
        n = n[(n["gaps_before"] >= min_gaps) & (n["short"] >= np.floor(0.9 * (n["gaps_before"] - 1)) + 1)]
        j = j.merge(n[[*keys, "gaps_before"]], on=keys)
        out = j.groupby([*keys, "gaps_before"])["gap_days"].quantile(0.9).rename("p90_before_days").reset_index()
        return out.sort_values(["client_key", "purchase_no"])

    def q_months(self, first_month: int, last_month: int, deflate: bool) -> Frame:
        """As months.sql."""
        assert not deflate
        d = self.day[self.day["purchase_no"].notna() & self.day["month_index"].between(first_month, last_month)]
        units = self.base[["client_key"]].sort_values("client_key").reset_index(drop=True)
        units["unit"] = np.arange(1, len(units) + 1)
        d = d.merge(units, on="client_key")
        d["named"] = (d["items"] > 0).astype(int)
        out = (
            d.groupby(["unit", "month_index"])
            .agg(
                order_days=("day", "size"),
                orders=("orders", "sum"),
                items=("items", "sum"),
                item_days=("named", "sum"),
                bought_real=("revenue", "sum"),
            )
            .reset_index()
        )
        # Resampling orders clients by the bits of their values: sums must be the decimal ones.
        return as_decimal(out, ["bought_real"])

    def q_prior_manager(self) -> Frame:
        """As prior_manager.sql."""
        w = self.window
        d = self.day[self.day["purchase_no"].notna() & self.day["manager"].notna()]
        d = d[(d["day"] >= pd.Timestamp(w.prior_start)) & (d["day"] < pd.Timestamp(w.recent_start))]
        g = d.groupby(["client_key", "manager"]).agg(days=("day", "size"), revenue=("revenue", "sum")).reset_index()
        g = g.sort_values(["client_key", "days", "revenue", "manager"], ascending=[True, False, False, True])
        return g.drop_duplicates("client_key")[["client_key", "manager"]]

    def q_goods(self, goods: str, quiet_since: Any, quiet_before: Any) -> Frame:
        """As goods.sql."""
        bought = self.day[self.day["purchase_no"].notna()]
        last = bought.groupby("client_key")["day"].max().rename("last").reset_index()
        quiet = last["last"].between(pd.Timestamp(quiet_since), pd.Timestamp(quiet_before))
        lines = self.lines.merge(last[quiet], on="client_key")
        lines = lines[(lines["last"] - lines["order_date"]).dt.days.between(0, 364) & lines[goods].notna()]
        g = lines.groupby(["client_key", goods])["amount"].sum().rename("revenue").reset_index()
        g = g[g["revenue"] > 0].rename(columns={goods: "goods"})
        g = g.sort_values(["client_key", "revenue", "goods"], ascending=[True, False, True])
        g["place"] = g.groupby("client_key").cumcount() + 1
        return g[g["place"] <= 3]

    def q_noise(self, step: int) -> Frame:
        """As noise.sql."""
        w = self.window
        b = self.base
        known = b[(b["first_day"] < pd.Timestamp(w.recent_start)) & (b["last_day"] >= pd.Timestamp(w.prior_start))]
        known = known.sort_values(["first_day", "last_day", "order_days", "revenue", "client_key"])
        known = known.assign(unit=np.arange(1, len(known) + 1))
        d = self.day[self.day["purchase_no"].notna() & (self.day["day"] >= pd.Timestamp(w.prior_start))]
        d = d.merge(known.loc[known["unit"] % step == 0, ["client_key", "unit"]], on="client_key")
        return d.sort_values(["unit", "day"])[["unit", "revenue"]].reset_index(drop=True)


# --- the two processes


def peak_mb() -> float | None:
    """Peak memory of this process; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def measure(which: str, folder: Path) -> dict[str, Any]:
    """Compute the chapter in this process; return seconds per step, peak memory, metrics."""
    from audit.chapters.retention.measure import diagnose
    from audit.engine import open_engine
    from audit.model.case import collapse, open_prepared
    from audit.settings import Settings

    seconds: dict[str, float] = {}
    t = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal t
        seconds[name] = time.perf_counter() - t
        t = time.perf_counter()

    if which == "kit":
        engine = open_engine()
        collapse(engine, folder)
        lap("collapse")
        case: Any = open_prepared(folder, Settings(), engine=engine)
        lap("open")
    else:
        columns = [
            "client_key",
            "client_name",
            "order_id",
            "order_date",
            "amount",
            "margin",
            "manager",
            "sku",
            "sku_group",
            "segment",
        ]
        raw = pq.read_table(folder / "lines.parquet", columns=columns)
        for name in ("amount", "margin"):
            raw = raw.set_column(raw.column_names.index(name), name, raw[name].cast(pa.float64()))
        frame = raw.to_pandas()
        del raw
        frame["order_date"] = pd.to_datetime(frame["order_date"])
        lap("read")
        real = open_prepared(folder, Settings())
        case = PandasCase(real, frame, real.window)
        case.collapse()
        lap("collapse")
    result = diagnose(case)
    lap("diagnose")
    metrics = {m.id: [m.value, m.low, m.high, m.n] for m in result.metrics.values()}
    return {
        "cpu": time.process_time(),
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "metrics": metrics,
        "states": result.tables["states"]["clients"].tolist(),
        "worklist": len(result.tables["worklist"]),
    }


def difference(a: dict[str, Any], b: dict[str, Any]) -> tuple[float, str]:
    """Return the largest relative difference of two sets of metrics and where it is."""
    worst, where = 0.0, ""
    for key, values in a.items():
        for x, y in zip(values, b[key], strict=True):
            if (x is None) != (y is None):
                return float("inf"), key
            if x is not None and abs(x - y) / max(abs(x), 1e-12) > worst:
                worst, where = abs(x - y) / max(abs(x), 1e-12), key
    return worst, where


def main() -> None:
    """Write the lines, run both processes, print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--clients", type=int, default=200_000)
    parser.add_argument("--small", action="store_true", help="300 000 lines, 6 000 clients")
    parser.add_argument("--folder", type=Path, default=Path("runs") / "bench_retention")
    parser.add_argument("--process", choices=["kit", "pandas"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.small:
        args.lines, args.clients = 300_000, 6_000
    if args.process:
        print(json.dumps(measure(args.process, args.folder)))
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    mark = args.folder / "size.txt"
    wanted = f"{args.lines} {args.clients}"
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        write_canonical(args.folder, args.lines, args.clients)
        mark.write_text(wanted, encoding="utf-8")
    results = {}
    for which in ("kit", "pandas"):
        command = [sys.executable, __file__, "--process", which, "--folder", str(args.folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        results[which] = json.loads(done.stdout.splitlines()[-1])
        r = results[which]
        steps = ", ".join(f"{k} {v:.1f}" for k, v in r["seconds"].items())
        peak = "?" if r["peak_mb"] is None else f"{r['peak_mb']:,.0f} MB"
        print(f"{which:7} {sum(r['seconds'].values()):7.1f} s wall, {r['cpu']:7.1f} s CPU ({steps}), peak {peak}")
    kit, plain = results["kit"], results["pandas"]
    worst, where = difference(kit["metrics"], plain["metrics"])
    same = kit["states"] == plain["states"] and kit["worklist"] == plain["worklist"]
    faster = sum(plain["seconds"].values()) / sum(kit["seconds"].values())
    by_cpu = plain["cpu"] / kit["cpu"]
    print(f"kit is {faster:.1f} times faster ({by_cpu:.1f} by CPU); same lists: {same}")
    print(f"largest difference of a metric {worst:.2g} {where}")


if __name__ == "__main__":
    main()
