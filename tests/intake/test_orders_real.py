"""Real data, when it lies beside the repository: the counts published for it come out of the options of intake."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.intake.reading import read
from tests.shared_data import shared

CLEAN = {"reading": {"drop_order_id_prefix": ["C"], "drop_nonpositive_price": True}}


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_online_retail_counts(tmp_path: Path, ending: str) -> None:
    source = shared("online_retail/online_retail_2010_2011.parquet")
    known = json.loads(shared("online_retail/reference.json").read_text(encoding="utf-8"))["OR1_clean"]
    counts = dict(known["row_counts"])
    if ending == "csv":
        pa.csv.write_csv(pq.read_table(source), tmp_path / "o.csv")
        source = tmp_path / "o.csv"
    result = read(source, tmp_path / "out", CLEAN)
    reasons = result.reasons()
    assert result.report.rows_read == counts["raw"]
    assert reasons["no_client"] == counts["raw"] - counts["drop blank CustomerID"]
    assert reasons["dropped_prefix"] == counts["drop blank CustomerID"] - counts["drop InvoiceNo starting 'C'"]
    assert reasons["nonpositive_price"] == counts["drop Quantity<=0"] - counts["drop UnitPrice<=0"]
    assert result.report.rows_used == counts["drop UnitPrice<=0"]
    assert result.lines["client_key"].nunique() == known["n_clients"]
    assert result.lines["order_id"].nunique() == known["n_orders"]
    assert abs(result.report.revenue - known["revenue"]) < 1e-6
    assert result.report.first_date.isoformat() == known["first_day"]
    assert result.report.last_date.isoformat() == known["last_order_day"]


def test_overlapping_files_of_online_retail(tmp_path: Path) -> None:
    """The two sheets share 2010-12-01..09: dropped once asked to, the published union comes out."""
    files = [
        shared("online_retail/online_retail_II_2009_2010.parquet"),
        shared("online_retail/online_retail_2010_2011.parquet"),
    ]
    reference = json.loads(shared("online_retail/reference.json").read_text(encoding="utf-8"))
    known = reference["OR2_clean_union_overlap_removed"]
    dropped = read(files, tmp_path / "out", {"reading": {**CLEAN["reading"], "duplicates": "drop"}})
    assert abs(dropped.report.revenue - known["revenue"]) < 1e-6
    assert dropped.report.rows_used == dict(known["row_counts"])["drop UnitPrice<=0"]
    assert dropped.lines["client_key"].nunique() == known["n_clients"]


def test_northwind(tmp_path: Path) -> None:
    """Orders joined with their lines by a plain reader; price × quantity × (1 − discount) is the amount."""
    folder = shared("northwind")
    orders = pa.csv.read_csv(folder / "orders.csv")
    lines = pa.csv.read_csv(folder / "order_details.csv")
    whole = lines.join(orders, "order_id")
    gross = pc.multiply(pc.cast(whole["unit_price"], pa.float64()), pc.cast(whole["quantity"], pa.float64()))
    amount = pc.multiply(gross, pc.subtract(1.0, pc.cast(whole["discount"], pa.float64())))
    table = whole.select(["order_id", "customer_id", "employee_id", "order_date", "required_date", "shipped_date"])
    table = table.append_column("amount", amount)
    pa.csv.write_csv(table, tmp_path / "northwind.csv")
    known = json.loads((folder / "reference.json").read_text(encoding="utf-8"))["retention"]
    result = read(tmp_path / "northwind.csv", tmp_path / "out")
    assert result.report.rows_set_aside == 0
    assert result.lines["client_key"].nunique() == known["n_clients"]
    assert result.lines["order_id"].nunique() == known["n_orders"]
    assert abs(result.report.revenue - known["revenue"]) < 0.01
    assert result.report.first_date.isoformat() == known["first_day"]
    assert {"order_id", "order_date", "client_id", "amount", "manager", "requested_date", "shipped_date"} <= set(
        result.report.fields
    )
