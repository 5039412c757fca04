"""The follow-up audit: differences and their chance in literal arithmetic, what spoils a comparison, targets, files."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from audit.errors import ParameterError, PreparedError, set_language
from audit.present.compare import ComparisonView, delta_text
from audit.present.format import Fmt
from audit.run.compare import Comparison, Run, compare_runs, difference, read_run, write_comparison
from tests.present.browsing import chromium, opened

HOSTILE = "</script><img src=x onerror=alert(1)> $x$ «Ёж» =1+1"


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def findings(**changes: Any) -> dict[str, Any]:
    """A findings.json of four figures, two findings and two actions; ``changes`` replace top-level parts."""
    base: dict[str, Any] = {
        "schema": "km-audit/1",
        "company": {"name": "Acme", "currency": "RUB"},
        "lang": "en",
        "thresholds": {
            "retention.leaky_first_purchase": {"watch": 0.67, "found": 0.67, "bad": "low", "unit": "share"},
            "roles.km_overload": {"watch": 0.2, "found": 0.4, "bad": "high", "unit": "share"},
            "roles.utilisation": {"value": 0.85, "unit": "share"},
            "general.bootstrap_seed": {"value": 1.0, "unit": "count"},
        },
        "period": {"start": "2022-01-01", "end": "2024-12-31", "as_of": "2024-12-31", "recent_start": "2024-01-01"},
        "sale_type": {"declared": "TC", "measured": "TC", "used": "TC"},
        "data": {
            "rows_read": 10,
            "rows_used": 10,
            "rows_set_aside": 0,
            "orders": 9,
            "order_days": 9,
            "clients": 5,
            "revenue": 100.0,
        },
        "metrics": {
            "retention.second_purchase_share": {
                "value": 0.48,
                "unit": "share",
                "bad": "low",
                "low": 0.42,
                "high": 0.55,
                "n": 200,
                "horizon_days": 365,
            },
            "retention.repeat_revenue_share": {
                "value": 0.95,
                "unit": "share",
                "bad": "low",
                "low": 0.94,
                "high": 0.96,
                "n": 260,
                "since": "2024-01-01",
                "until": "2024-12-31",
            },
            "roles.km_operational_share": {"value": 0.5, "unit": "share", "bad": "high", "n": 5},
            "roles.relief_shortage_fte": {"value": 2.5, "unit": "fte", "bad": "high", "low": 1.8, "high": 2.9},
        },
        "findings": [
            {
                "id": "roles.km_overload",
                "status": "found",
                "severity": "major",
                "title": "a",
                "text": "",
                "metrics": ["roles.km_operational_share"],
                "actions": ["relieve_km"],
            },
            {
                "id": "retention.leaky_first_purchase",
                "status": "found",
                "severity": "major",
                "title": "b",
                "text": "",
                "metrics": ["retention.second_purchase_share"],
                "actions": ["second_purchase_route"],
            },
        ],
        "actions": [
            {
                "id": "relieve_km",
                "findings": ["roles.km_overload"],
                "owner": "RKO",
                "horizon_days": 60,
                "effort": "low",
                "metric": "roles.km_operational_share",
                "target": 0.2,
                "title": "Relieve",
                "first_step": "",
            },
            {
                "id": "second_purchase_route",
                "findings": ["retention.leaky_first_purchase"],
                "owner": "RKO",
                "horizon_days": 60,
                "effort": "low",
                "metric": "retention.second_purchase_share",
                "target": 0.67,
                "title": "Route",
                "first_step": "",
            },
        ],
    }
    return {**base, **changes}


def later(years: int = 3) -> dict[str, Any]:
    """The same audit, its window moved on by some years; three years leave no day in common."""
    told = findings()
    p = told["period"]
    told["period"] = {k: f"{int(v[:4]) + years}{v[4:]}" for k, v in p.items()}
    repeat = told["metrics"]["retention.repeat_revenue_share"]
    for key in ("since", "until"):
        repeat[key] = f"{int(repeat[key][:4]) + years}{repeat[key][4:]}"
    return told


def compared(
    old: dict[str, Any], new: dict[str, Any], before: str | None = None, after: str | None = None
) -> Comparison:
    return compare_runs(Run("a", old, before), Run("b", new, after))


def row(done: Comparison, part: str, id: str) -> dict[str, Any]:
    return next(dict(r) for r in done.content[part] if r["id"] == id)


def test_the_interval_of_a_difference() -> None:
    d, low, high = difference((0.48, 0.42, 0.55), (0.60, 0.52, 0.67))
    assert d == pytest.approx(0.12)
    assert low == pytest.approx(0.12 - (0.08**2 + 0.07**2) ** 0.5)  # new - new_low = 0.08, old_high - old = 0.07
    assert high == pytest.approx(0.12 + (0.07**2 + 0.06**2) ** 0.5)  # new_high - new = 0.07, old - old_low = 0.06
    assert difference((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.60, 0.52, 0.67, "better"),  # 0.12 - 0.106 = 0.014 > 0
        (0.55, 0.47, 0.62, "within"),  # 0.07 - 0.106 < 0
        (0.35, 0.29, 0.41, "worse"),  # -0.13 + sqrt(0.06^2 + 0.06^2) = -0.045 < 0
        (0.48, 0.42, 0.55, "unchanged"),
    ],
)
def test_a_move_is_judged_by_its_interval_and_the_bad_side(value: float, low: float, high: float, verdict: str) -> None:
    new = later()
    new["metrics"]["retention.second_purchase_share"].update(value=value, low=low, high=high)
    moved = row(compared(findings(), new), "metrics", "retention.second_purchase_share")
    assert moved["verdict"] == verdict
    assert moved["delta"] == pytest.approx(value - 0.48)
    assert moved["overlap"] is False


def test_without_an_interval_chance_is_not_judged() -> None:
    new = later()
    new["metrics"]["roles.km_operational_share"]["value"] = 0.3
    new["metrics"]["roles.relief_shortage_fte"].update(value=0.4, low=0.2, high=0.5)
    done = compared(findings(), new)
    assert row(done, "metrics", "roles.km_operational_share")["verdict"] == "unjudged"
    # a range of assumptions is no sampling error, however far apart the two are
    assert row(done, "metrics", "roles.relief_shortage_fte")["verdict"] == "unjudged"
    assert done.content["tested"] == 2
    assert done.content["beyond_by_chance"] == 0.1  # 2 x 0.05


def test_overlapping_windows_are_told() -> None:
    # 2022-01-01..2024-12-31 and 2023-01-01..2025-12-31 share 2023 and 2024: 365 + 366 days
    done = compared(findings(), later(1))
    assert done.content["windows"]["overlap_days"] == 731
    assert done.content["windows"]["overlap_share"] == pytest.approx(731 / 1096)  # 2023..2025 has 1096 days
    assert done.content["windows"]["recent_overlap_days"] == 0
    assert row(done, "metrics", "retention.second_purchase_share")["overlap"] is True
    # this figure names its own window: the last twelve months of the two audits are apart
    assert row(done, "metrics", "retention.repeat_revenue_share")["overlap"] is False


def test_what_makes_figures_incomparable() -> None:
    new = later()
    new["metrics"]["retention.second_purchase_share"]["horizon_days"] = 180
    new["thresholds"]["roles.km_overload"]["found"] = 0.5
    new["findings"][0]["status"] = "watch"
    done = compared(findings(), new)
    figure = row(done, "metrics", "retention.second_purchase_share")
    assert figure["verdict"] == "incomparable"
    assert figure["cause"] == {"kind": "horizon", "old": 365, "new": 180}
    verdict = row(done, "findings", "roles.km_overload")
    assert verdict["change"] == "incomparable", "the limit moved, not the company"
    assert row(done, "metrics", "roles.km_operational_share")["verdict"] == "unchanged", "the figure itself is the same"
    assert row(done, "actions", "second_purchase_route")["status"] == "unknown"


@pytest.mark.parametrize(
    ("change", "kind", "spoils"),
    [
        (lambda f: f["thresholds"]["roles.utilisation"].update(value=0.8), "threshold", {"roles."}),
        (lambda f: f["thresholds"]["general.bootstrap_seed"].update(value=2.0), "threshold", set()),
        (lambda f: f["sale_type"].update(used="C"), "sale_type", {"model.", "roles.", "handoff."}),
        (lambda f: f["company"].update(currency="USD"), "currency", set()),
        (lambda f: f["company"].update(name="Other"), "company", set()),
        (
            lambda f: f["period"].update(recent_start="2027-07-01"),
            "recent_months",
            {"retention.", "base.", "ownership."},
        ),
    ],
    ids=["a parameter", "the seed", "the type of sale", "the currency", "the company", "the recent months"],
)
def test_changes_of_method_and_their_reach(change: Any, kind: str, spoils: set[str]) -> None:
    new = later()
    change(new)
    told = compared(findings(), new).content["changes"]
    assert [(c["kind"], set(c["scope"])) for c in told] == [(kind, spoils)]


def test_versions_are_compared_where_both_are_known() -> None:
    assert [c["kind"] for c in compared(findings(), later(), "1.0", "1.1").content["changes"]] == ["version"]
    assert compared(findings(), later(), None, "1.1").content["changes"] == []


def test_changes_of_status() -> None:
    new = later()
    new["findings"][0].update(status="clear", severity="none")
    new["findings"][1].update(status="not_assessed", reason="Too few")
    done = compared(findings(), new)
    one = row(done, "findings", "roles.km_overload")
    assert (one["change"], one["beyond_chance"]) == ("improved", False)  # the figure itself has not moved at all
    assert row(done, "findings", "retention.leaky_first_purchase")["change"] == "no_longer_assessed"
    back = compared(new | {"period": findings()["period"]}, later())
    assert row(back, "findings", "roles.km_overload")["change"] == "worsened"
    assert row(back, "findings", "retention.leaky_first_purchase")["change"] == "now_assessed"


@pytest.mark.parametrize(
    ("value", "low", "high", "status", "progress"),
    [
        (0.72, 0.68, 0.76, "met", 0.24 / 0.19),  # (0.72 - 0.48) / (0.67 - 0.48); the whole interval is beyond 0.67
        (0.69, 0.62, 0.75, "met_unsure", 0.21 / 0.19),
        (0.60, 0.52, 0.67, "closer", 0.12 / 0.19),
        (0.50, 0.42, 0.57, "unmoved", 0.02 / 0.19),  # within chance
        (0.35, 0.29, 0.41, "further", -0.13 / 0.19),
    ],
)
def test_targets(value: float, low: float, high: float, status: str, progress: float) -> None:
    new = later()
    new["metrics"]["retention.second_purchase_share"].update(value=value, low=low, high=high)
    told = row(compared(findings(), new), "actions", "second_purchase_route")
    assert told["status"] == status
    assert told["progress"] == pytest.approx(progress)


def test_targets_without_a_figure_or_met_before() -> None:
    old, new = findings(), later()
    new["metrics"]["retention.second_purchase_share"] = {"value": None, "unit": "share", "bad": "low", "reason": "none"}
    assert row(compared(old, new), "actions", "second_purchase_route")["why"] == "no_figure"
    old["metrics"]["roles.km_operational_share"]["value"] = 0.15
    assert row(compared(old, later() | {"metrics": old["metrics"]}), "actions", "relieve_km")["status"] == "was_met"
    old["actions"][0]["target"] = None
    assert row(compared(old, later()), "actions", "relieve_km")["why"] == "no_target"


def test_the_order_of_the_audits_matters() -> None:
    with pytest.raises(ParameterError, match="older"):
        compared(later(), findings())


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match="no file"):
        read_run(tmp_path)
    (tmp_path / "findings.json").write_text("{", encoding="utf-8")
    with pytest.raises(PreparedError, match="not JSON"):
        read_run(tmp_path)
    (tmp_path / "findings.json").write_text('{"schema": "else/1"}', encoding="utf-8")
    with pytest.raises(PreparedError, match="schema"):
        read_run(tmp_path)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_documents_say_it_and_nothing_runs(tmp_path: Path, lang: Any) -> None:
    new = later(1)
    new["company"]["name"] = HOSTILE
    new["metrics"]["retention.second_purchase_share"].update(value=0.66, low=0.6, high=0.71)
    new["thresholds"]["roles.utilisation"]["value"] = 0.8
    new["findings"][1].update(status="watch")
    done = compare_runs(Run("a", findings()), Run("b", new), lang)
    made, _ = write_comparison(done, tmp_path / "out")
    assert {"compare.json", "compare.html"} <= {p.name for p in made}
    assert {p.name for p in (tmp_path / "out").iterdir()} == {p.name for p in made}
    html = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "<img src=x" not in html and "</script><img" not in html
    for said in (
        ("лучше", "не независимы", "Действия и их цели", "Вторую покупку делают не меньше")
        if lang == "ru"
        else ("became better", "not independent", "Actions and their targets", "buy again")
    ):
        assert said in html, said
    assert "≤" not in html and "≥" not in html
    assert json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8")) == copy.deepcopy(done.as_json())
    before = {p.name: p.read_bytes() for p in made}
    write_comparison(done, tmp_path / "out")
    assert {p.name: p.read_bytes() for p in made} == before, "equal input gives equal bytes"


ATTACK = "</script><img src=x onerror=\"document.title='hacked'\"> {{ 7*7 }} =1+1"


@pytest.mark.browser
def test_hostile_words_of_a_findings_file_do_nothing_in_a_browser(tmp_path: Path) -> None:
    def soiled(told: Any) -> Any:
        """Put the attack behind every text that is a name or a sentence."""
        if isinstance(told, list):
            return [soiled(v) for v in told]
        if isinstance(told, dict):
            plain = {"title", "text", "reason", "name", "formula", "benchmark_source"}
            return {k: f"{v} {ATTACK}" if k in plain and isinstance(v, str) else soiled(v) for k, v in told.items()}
        return told

    old, new = soiled(findings()), soiled(later(1))
    for side in (old, new):
        for found in side["findings"]:
            found["title"] = f"{found.get('title', '')} {ATTACK}"
    new["findings"][1].update(status="watch")
    done = compare_runs(Run(f"a {ATTACK}", old), Run(f"b {ATTACK}", new), "en")
    write_comparison(done, tmp_path / "out")
    with chromium() as browser, opened(browser, tmp_path / "out" / "compare.html") as page:
        assert "onerror=" in page.inner_text("body")
        assert page.locator("img:not([src^='data:'])").count() == 0


def priced(told: dict[str, Any], base: float, basis: str = "gross_profit") -> dict[str, Any]:
    head = {"low": base / 2, "base": base, "high": base * 2}
    return told | {"money": {"basis": basis, "unit": "RUB/year", "headline": head, "findings": [], "outside": []}}


def test_the_price_is_compared_where_it_is_the_same_money() -> None:
    both = compared(priced(findings(), 4e6), priced(later(), 1e6)).content["money"]
    assert (both["old"]["base"], both["new"]["base"]) == (4e6, 1e6)
    cured = compared(priced(findings(), 4e6), later())
    assert cured.content["money"]["new"] == {"low": 0.0, "base": 0.0, "high": 0.0}
    said = ComparisonView(cured.content).worth().replace("\u00a0", " ")
    assert "used to forgo RUB 4m of gross profit a year" in said and "no problem with a known price" in said
    assert compared(findings(), later()).content["money"] is None
    other = compared(priced(findings(), 4e6), priced(later(), 1e6, "revenue"))
    assert other.content["money"] == {"apart": "basis"}
    assert "one audit tells gross profit, the other revenue" in ComparisonView(other.content).worth()
    assert ComparisonView(compared(findings(), later()).content).worth() == "", "neither side has a sum"


def with_price(told: dict[str, Any], id: str, status: str, base: float, counted: bool) -> dict[str, Any]:
    """The same audit with a finding of that status and price, in the sum or not."""
    f = {"id": id, "status": status, "severity": "major", "metrics": [], "title": id, "text": id, "actions": []}
    out = copy.deepcopy(told)
    out["findings"] = [x for x in out["findings"] if x["id"] != id]
    out["findings"].append(f | {"effect": {"low": base / 2, "base": base, "high": base * 2}})
    if counted:
        out["money"]["findings"].append(id)
    return out


def test_money_that_is_only_watched_now_has_not_vanished() -> None:
    leak, sleep, late = "retention.revenue_leak", "retention.sleeping_clients", "retention.frequency_decline"
    old = with_price(priced(findings(), 5e6), leak, "found", 2e6, counted=True)
    old = with_price(old, sleep, "found", 3e6, counted=True)
    new = with_price(priced(later(), 2e6), leak, "found", 1e6, counted=True)
    new = with_price(new, sleep, "watch", 2.5e6, counted=False)
    new = with_price(new, late, "found", 1e6, counted=True)
    content = compared(old, new).content
    money = content["money"]
    # On the same findings 5 m became 3.5 m; the headlines, 5 m and 2 m, are made of other findings.
    assert (money["same"]["old"], money["same"]["new"]) == (5e6, 3.5e6)
    assert [r["finding"] for r in money["entered"]] == [late]
    (gone,) = money["left"]
    assert (gone["finding"], gone["status"], gone["other_price"]) == (sleep, "watch", 2.5e6)
    said = ComparisonView(content).worth().replace("\u00a0", " ")
    assert "(before RUB 3m; now watched, worth RUB 2.5m)" in said and "before RUB 5m, now RUB 3.5m" in said


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("clear", "now in order)"),
        ("not_assessed", "now not assessed, which does not mean that the money came back)"),
        ("unclear", "now cannot tell)"),
    ],
)
def test_what_left_the_sum_is_named_with_what_it_is_now(status: str, says: str) -> None:
    leak = "retention.revenue_leak"
    old = with_price(priced(findings(), 2e6), leak, "found", 2e6, counted=True)
    new = with_price(priced(later(), 1e6), leak, status, 1.0, counted=False)
    del next(f for f in new["findings"] if f["id"] == leak)["effect"]
    said = ComparisonView(compared(old, new).content).worth().replace("\u00a0", " ")
    assert f"(before RUB 2m; {says}" in said


def test_prices_that_are_in_neither_sum_are_not_added_up() -> None:
    leak, sleep = "retention.revenue_leak", "retention.sleeping_clients"
    old = with_price(priced(findings(), 2e6), leak, "found", 2e6, counted=True)
    old = with_price(old, sleep, "watch", 9e6, counted=False)
    new = with_price(priced(later(), 1e6), leak, "found", 1e6, counted=True)
    new = with_price(new, sleep, "watch", 9e6, counted=False)
    money = compared(old, new).content["money"]
    assert (money["same"]["old"], money["same"]["new"]) == (2e6, 1e6)


def test_editions_of_the_method_are_told_apart() -> None:
    old, new = priced(findings(), 4e6), priced(later(), 1e6) | {"method": 2}
    some = {"value": 0.2, "unit": "share", "low": 0.1, "high": 0.3, "n": 9}
    for told in (old, new):
        told["metrics"] = told["metrics"] | {"roles.capacity_uplift": dict(some)}
    content = compared(old, new).content
    assert content["money"] == {"apart": "method"}, "prices of two editions are not the same money"
    assert "different editions of the method" in ComparisonView(content).worth()
    (change,) = [c for c in content["changes"] if c["kind"] == "method"]
    assert (change["old"], change["new"]) == (1, 2) and "roles.capacity_uplift" in change["scope"]
    rows = {m["id"]: m["verdict"] for m in content["metrics"]}
    assert rows["roles.capacity_uplift"] == "incomparable"
    # Nor is a verdict that rests on it: found then and clear now may be the method's doing.
    assert "roles.km_overload" in change["scope"]
    assert row(compared(old, new), "findings", "roles.km_overload")["change"] == "incomparable"


def test_page_one_names_the_verdicts_that_changed_with_their_figures() -> None:
    new = later()
    new["findings"][1]["status"] = "clear"
    new["metrics"]["retention.second_purchase_share"] |= {"value": 0.9, "low": 0.85, "high": 0.94}
    page = ComparisonView(compared(findings(), new).content).front()
    item = next(line for line in page.split("<li>") if "second" in line.lower() and "→" in line)
    assert "before 48%, now 90%" in item and "beyond chance" in item


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (lambda f: f.pop("metrics"), "metrics"),
        (lambda f: f["period"].update(as_of="yesterday"), "period.as_of"),
        (lambda f: f["findings"][0].pop("status"), "findings.0.status"),
        (
            lambda f: f["metrics"]["roles.km_operational_share"].update(value="half"),
            "metrics.roles.km_operational_share.value",
        ),
        (lambda f: f.update(actions={}), "actions"),
        (lambda f: f.update(money={"basis": "revenue"}), "money.unit"),
        (lambda f: f["findings"][0].update(effect={"low": 1}), "findings.0.effect.base"),
        (
            lambda f: f.update(money=priced(f, 1e6)["money"] | {"findings": ["roles.km_overload"]}),
            "findings.roles.km_overload.effect",
        ),
    ],
)
def test_a_damaged_file_is_named_with_its_place(tmp_path: Path, damage: Any, where: str) -> None:
    told = findings()
    damage(told)
    path = tmp_path / "findings.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(PreparedError) as error:
        read_run(path)
    assert where in str(error.value) and "another version" in str(error.value)


def test_a_version_with_verdicts_of_its_own_and_without_a_sum_is_compared(tmp_path: Path) -> None:
    told = findings(money={"basis": "revenue", "unit": "RUB/year", "headline": None, "reason": "open questions"})
    told["findings"][0]["status"] = "unclear"
    (tmp_path / "findings.json").write_text(json.dumps(told), encoding="utf-8")
    (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    run = read_run(tmp_path)
    done = compare_runs(run, Run("b", later()))
    assert run.version is None and done.content["money"] == {"apart": "open"}
    assert row(done, "findings", "roles.km_overload")["change"] == "now_assessed"


def test_the_limits_of_a_small_change_are_told_apart() -> None:
    row = {"delta": -0.0009, "delta_low": -0.0012, "delta_high": -0.0006}
    assert (
        delta_text(row, "share", Fmt("en"))
        == "\N{MINUS SIGN}0.09\N{NO-BREAK SPACE}pp (\N{MINUS SIGN}0.12…\N{MINUS SIGN}0.06)"
    )
    none = {"delta": 0.0, "delta_low": 0.0, "delta_high": 0.0}
    assert delta_text(none, "share", Fmt("en")) == "0.0\N{NO-BREAK SPACE}pp (0.0…0.0)"
