"""Anonymous figures of finished audits: what is kept, from how many on they are shown, and that they name nobody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.cli import app
from audit.errors import ParameterError, set_language
from audit.run import batch
from audit.run.batch import BatchRow, run_batch
from audit.run.peers import LEAST, add_peers, anonymous_row, peers_of, read_peers
from tests.run.test_batch import stand_in as stand_in
from tests.run.test_compare import findings
from tools.samples import CompanySpec, generate, write

METRIC = "retention.second_purchase_share"


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def other(k: int, share: float, **changes: Any) -> dict[str, Any]:
    return {"mark": f"m{k}", "month": "2026-11", "method": 2, "sale_type": "TC", "metrics": {METRIC: share}} | changes


def test_from_twenty_companies_on_and_never_below() -> None:
    # yours 0.48 among 0.40, 0.41 … 0.59: 8 of 20 are worse; the quartiles of 0.40 … 0.59 are 0.4475, 0.495, 0.5425
    rows = [other(k, 0.40 + k / 100) for k in range(20)]
    (got,) = peers_of(findings(), rows, None)
    assert (got.id, got.value, got.better_than, got.n) == (METRIC, 0.48, 8, 20)
    assert (got.low, got.median, got.high) == pytest.approx((0.4475, 0.495, 0.5425))
    assert LEAST == 20 and peers_of(findings(), rows[:19], None) == ()


def test_only_others_of_the_same_type_and_method_count(tmp_path: Path) -> None:
    rows = [other(k, 0.5) for k in range(19)]
    assert peers_of(findings(), [*rows, other(19, 0.5, sale_type="T")], None) == ()
    assert peers_of(findings(), [*rows, other(19, 0.5, method=1)], None) == ()
    own = anonymous_row(tmp_path, findings(method=2))
    assert peers_of(findings(), [*rows, own], tmp_path) == (), "nobody stands among itself"
    assert len(peers_of(findings(), [*rows, own], None)) == 1
    sooner = findings()
    sooner["metrics"][METRIC]["horizon_days"] = 180
    assert peers_of(sooner, [*rows, other(19, 0.5)], None) == (), "another horizon is another figure"


def test_what_is_kept_names_nobody(tmp_path: Path) -> None:
    folder, file = tmp_path / "romashka", tmp_path / "benchmarks.json"
    told = findings(company={"name": "ООО «Ромашка»", "currency": "RUB"}, method=2)
    told["metrics"] |= {
        "model.ticket": {"value": 22386.23, "unit": "money"},
        "model.active_clients": {"value": 1347, "unit": "count"},
        "service.late_share": {"value": 0.123456, "unit": "share", "bad": "high"},
    }
    row = anonymous_row(folder, told)
    assert set(row) == {"mark", "month", "method", "sale_type", "metrics"} and re.fullmatch(
        r"[0-9a-f]{32}", row["mark"]
    )
    assert row["metrics"]["service.late_share"] == 0.123, "three digits"
    assert not {"model.ticket", "model.active_clients", "roles.relief_shortage_fte"} & set(row["metrics"])
    assert add_peers(file, [row]) == 1
    text = file.read_text(encoding="utf-8")
    assert "Ромашка" not in json.loads(text)["companies"][0].__repr__() and "romashka" not in text
    told["metrics"]["service.late_share"]["value"] = 0.2
    assert add_peers(file, [anonymous_row(folder, told)]) == 1, "a second audit takes the place of the first"
    assert read_peers(file)[0]["metrics"]["service.late_share"] == 0.2


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"schema": "other"}', '{"schema": "km-audit-benchmarks/1", "companies": [1]}']
)
def test_another_file_is_refused_before_the_work(tmp_path: Path, text: str) -> None:
    file = tmp_path / "b.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"b\.json"):
        run_batch([tmp_path / "none"], benchmarks=file)
    assert file.read_text(encoding="utf-8") == text


def test_the_batch_keeps_whole_audits_alone(tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in ("good", "part", "bad")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(batch, "_findings_of", lambda row: findings(method=2))
    file = tmp_path / "kept" / "benchmarks.json"
    rows = run_batch(folders, benchmarks=file)
    assert [r.status for r in rows] == ["done", "failed_chapters", "error"] and isinstance(rows[0], BatchRow)
    assert len(read_peers(file)) == 1
    assert (folders[0] / ".km-audit" / "anonymous-mark").is_file() and not (folders[2] / ".km-audit").exists()


@pytest.mark.slow
def test_the_report_says_where_the_figures_stand(tmp_path: Path) -> None:
    folder, file = tmp_path / "acme", tmp_path / "benchmarks.json"
    write(
        generate(CompanySpec(name="acme", title="Acme", clients=60, years=2, seed=5, lang="en", tables="none")), folder
    )
    add_peers(file, [other(k, 0.5, metrics={"retention.repeat_revenue_share": 0.5}) for k in range(20)])
    done = CliRunner().invoke(
        app, ["run", str(folder), "--lang", "en", "--chapter", "retention", "--jobs", "1", "--benchmarks", str(file)]
    )
    assert done.exit_code == 0, done.output
    html = (folder / "runs" / "latest" / "report.html").read_text(encoding="utf-8")
    assert "Among audited companies" in html and "better than 20 of 20" in html and "This is no norm" in html
