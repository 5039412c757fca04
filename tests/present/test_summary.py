"""Page one: what is ranked first, what is left out, what the verdict says."""

from __future__ import annotations

from typing import Any

import pytest

from audit.errors import Text
from audit.findings.finding import Effect, Finding
from audit.findings.plan import diseases, plan_of
from audit.present.format import Fmt
from audit.present.summary import SummaryView, brief, input_name, rank
from audit.present.views import what_it_moves
from audit.run.notebook_api import compute_all
from tests.case_builder import make_case


def effect(base: float) -> Effect:
    return Effect(base / 2, base, base * 2, "revenue", Text("", ""))


def test_found_before_watched_severe_first_then_money_times_certainty() -> None:
    a = Finding("retention.revenue_leak", "found", "major", effect=effect(100), grade="C")  # 100 × 0.6 = 60
    b = Finding("roles.km_overload", "found", "major", effect=effect(80), grade="A")  # 80 × 1.0 = 80
    c = Finding("roles.entry_burden", "found", "critical", grade="C")
    d = Finding("retention.sleeping_clients", "watch", "major", effect=effect(9999), grade="A")
    assert [f.id for f in sorted([d, a, b, c], key=rank)] == [c.id, b.id, a.id, d.id]


def test_brief_keeps_whole_sentences_and_at_least_the_first() -> None:
    assert brief("Один. Два. Три.", 9) == "Один."
    assert brief("Один. Два. Три.", 10) == "Один. Два."
    assert brief("Около 2 тыс. руб. в год. Дальше.", 26) == "Около 2 тыс. руб. в год."
    assert brief("x" * 300 + ". Next.", 50) == "x" * 300 + "."


def summary(findings: dict[str, Any], lang: str = "ru") -> SummaryView:
    case = make_case([{"client": "A", "order_date": "2024-01-01", "amount": 10}], settings={"report": {"lang": lang}})
    told = compute_all(case)
    for f in told["findings"]:
        if f["id"] in findings:
            f.update(status="not_assessed", severity="none", actions=[], title=f["id"], text="Text.")
            f.update(findings[f["id"]])
    by_id = {f["id"]: f for f in told["findings"]}
    for id, disease in diseases(by_id).items():
        by_id[id]["disease"] = disease
    told["actions"] = [{"id": s.id, "owner": s.owner, "after": list(s.after)} for s in plan_of(case, by_id, [])]
    return SummaryView(case, told)


def test_the_verdict_follows_what_was_found() -> None:
    nothing = summary({})
    assert "не хватило" in nothing.verdict()
    assert nothing.headlines() == []
    few = summary({"roles.km_overload": {"status": "clear"}})
    told = few.verdict().replace("\xa0", " ")
    assert told.startswith("По этим данным удалось провести 1 проверку из ") and "все в норме" not in told
    clear = summary({f["id"]: {"status": "clear"} for f in few.findings["findings"]})
    assert "все в норме" in clear.verdict()
    watch = summary({"roles.km_overload": {"status": "watch", "severity": "minor"}}, "en")
    assert "1 figure needs attention" in watch.verdict().replace("\xa0", " ")
    found = summary({"roles.km_overload": {"status": "found", "severity": "major", "title": "КМ & <i>перегружены</i>"}})
    assert "Выявлена одна проблема" in found.verdict().replace("\xa0", " ")
    assert "&lt;i&gt;" in found.verdict()


def test_nothing_of_grade_d_reaches_page_one() -> None:
    s = summary(
        {
            "roles.km_overload": {"status": "found", "severity": "critical", "grade": "D"},
            "roles.entry_burden": {"status": "found", "severity": "minor", "grade": "C"},
        }
    )
    assert [v.finding.id for v in s.headlines()] == ["roles.entry_burden"]


def test_page_one_never_calls_an_empty_audit_healthy() -> None:
    html = str(summary({}).section("executive").html)  # type: ignore[union-attr]
    assert "не выявлено" not in html


def test_a_reason_in_a_sentence_speaks_the_reports_language_whatever_the_console_speaks() -> None:
    from audit.errors import set_language
    from audit.present.narrative import Narrative

    set_language("en")
    said = Narrative("ru", Fmt("ru", "RUB")).say("{{ reason }}", reason=Text("нет листа", "no sheet"))
    assert said == "нет листа"


def test_first_steps_wait_for_what_must_come_first() -> None:
    found = {"status": "found", "severity": "major", "title": "x"}
    both = summary(
        {
            "roles.km_overload": {**found, "actions": ["relieve_km", "freeze_km_targets"]},
            "roles.relief_shortage": {**found, "actions": ["hire_relief"]},
        }
    )
    steps = [str(a.text) for a in both.first_steps()]
    # no growth targets; the work that can be handed over is begun, and new hands wait for what is left of it
    assert len(steps) == 2 and steps[0].startswith("Не повышать планы") and steps[1].startswith("Начать: составить")
    alone = summary({"roles.km_overload": {**found, "actions": ["relieve_km"]}})
    assert [str(a.text)[:7] for a in alone.first_steps()] == ["Начать:"]


def amount(base: float) -> dict[str, float]:
    return {"low": base / 2, "base": base, "high": base * 2}


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_business_case_is_a_table_and_page_one_names_the_net_of_the_first_way(lang: str) -> None:
    found = {"status": "found", "severity": "major", "effect": amount(9e5) | {"basis": "gross_profit", "formula": ""}}
    s = summary({"retention.leaky_first_purchase": found}, lang)
    way = {"id": "second_purchase_route", "cost": {"once": 0.0, "year": 3e4}, "gain": amount(9e5)}
    s.findings["money"] = {  # type: ignore[index]
        "unit": "RUB/year",
        "basis": "gross_profit",
        "headline": amount(9e5),
        "advised": way["id"],
        "options": [way | {"net": amount(8.7e5), "payback_months": 1}],
        "risk": [{"finding": "retention.leaky_first_purchase", "chance": None, "stake": 4e5}],
        "spread": [
            {"input": id, "share": 0.4, "low": 60.0, "high": 140.0}
            for id in ("retention.reach_second", "retention.second_value")
        ],
        "findings": ["retention.leaky_first_purchase"],
        "outside": [],
    }
    section = s.section("money")
    assert section is not None
    html = str(section.html).replace("\xa0", " ")
    price = str(s.price()).replace("\xa0", " ")
    net = "0,87" if lang == "ru" else "0.87"
    assert net in html and "400" in html
    # What the sum hangs on is a picture whose words name every figure, each beginning with a capital.
    assert 'id="chart-money-spread"' in html
    names = [input_name(x["input"], lang) for x in s.findings["money"]["spread"]]  # type: ignore[arg-type]
    assert all(name[0].upper() + name[1:] in html for name in names) and "60" in html and "140" in html
    assert ("маршрут второй покупки" if lang == "ru" else "the second-purchase route") in price and net in price
    # Held back by an open question: no sum and no way is named, and the reason is.
    s.findings["money"] |= {"headline": None, "reason": "REASON", "advised": None, "options": [], "spread": []}  # type: ignore[index]
    assert "REASON" in s.price() and "870" not in str(s.section("money").html)  # type: ignore[union-attr]


def test_every_input_of_a_price_has_a_name_in_both_languages() -> None:
    for id in (
        "retention.second_purchase_share",
        "base.wallet_capture",
        "roles.freed_share",
        "roles.selling_share",
        "retention.own_return",
    ):
        ru, en = input_name(id, "ru"), input_name(id, "en")
        assert ru and en and ru != en


def test_what_cannot_be_told_says_what_it_could_do_to_the_sum() -> None:
    known = [
        {"id": "retention.range_decline", "could_add": 3e5},
        {"id": "retention.frequency_decline", "could_add": 0.0},
    ]

    def moves(*ids: str) -> str:
        return what_it_moves(ids, known, Fmt("en", "RUB")).replace("\xa0", " ")

    assert moves("retention.range_decline", "handoff.loss") == "could raise the sum by up to RUB 300k a year"
    assert moves("handoff.loss") == "could raise the sum, by how much is not known yet"
    assert moves("ownership.handover_loss") == "would not change the sum: it is a risk"
    # Measured, and confirmed it would add nothing: its clients are counted with another finding already.
    assert moves("retention.frequency_decline") == moves("model.extra_station") == "would not change the sum"
