"""What must hold for the chapter whatever the data: identities, invariances, and sense on degenerate input."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import random
import re
from typing import Any

import pytest

from audit.chapters import verdicts_on, view_of
from audit.chapters.retention.measure import diagnose
from audit.model.result import ChapterResult
from audit.settings import settings_from_mapping
from tests.case_builder import make_case

Rows = list[dict[str, Any]]


def day(n: int) -> dt.date:
    return dt.date(2021, 1, 1) + dt.timedelta(days=n)


def company(seed: int, clients: int = 45) -> Rows:
    """Clients with rates of their own, some of whom leave; a tenth of the orders is taken back in part."""
    rng = random.Random(seed)
    rows: Rows = []
    for c in range(clients):
        at, gap, end = rng.randint(0, 500), rng.uniform(15, 90), rng.choice([400, 1095, 1095])
        k = 0
        while at < end:
            about = dict(
                client_id=f"C{c:03d}",
                client=f"Клиент {c}",
                segment="AB"[c % 2],
                manager=f"M{c % 4}",
                initiator=rng.choice(["IN", "OUT"]),
            )
            for line in range(rng.randint(1, 3)):
                rows.append(
                    dict(
                        order_id=f"{c}-{k}",
                        order_date=day(at),
                        amount=round(rng.uniform(50, 500), 2),
                        sku=f"S{rng.randint(1, 9)}",
                        sku_group=f"G{line}",
                        **about,
                    )
                )
            if rng.random() < 0.1:
                rows.append(dict(order_id=f"{c}-{k}", order_date=day(at + 5), amount=-20.0, sku="S1", **about))
            at += max(1, round(rng.expovariate(1 / gap)))
            k += 1
    return rows


def figures(r: ChapterResult) -> dict[str, Any]:
    return {m.id: (m.value, m.low, m.high, m.n) for m in r.metrics.values()}


def close(a: dict[str, Any], b: dict[str, Any]) -> None:
    for key, values in a.items():
        for old, new in zip(values, b[key], strict=True):
            assert new == (None if old is None else pytest.approx(old, rel=1e-9, abs=1e-12)), key


@pytest.fixture(scope="module")
def base() -> ChapterResult:
    return diagnose(make_case(company(1)))


def test_bridge_and_drivers_add_up(base: ChapterResult) -> None:
    b = base.tables["bridge"].set_index("part")["revenue"]
    assert b["after"] - b["before"] == pytest.approx(b.drop(["before", "after"]).sum())
    assert base.metrics["retention.bridge"].value == pytest.approx(b["after"] - b["before"])
    assert base.tables["drivers"]["effect"].sum() == pytest.approx(b["grown"] + b["shrunk"])


def test_nrr_is_never_below_grr(base: ChapterResult) -> None:
    grr, nrr = base.metrics["retention.grr"], base.metrics["retention.nrr"]
    assert grr.value is not None and nrr.value is not None
    assert grr.value <= nrr.value and grr.value <= 1
    assert 0 < grr.extra["noise"] < 1


def test_states_partition_the_regular_clients(base: ChapterResult) -> None:
    assert base.tables["states"]["clients"].sum() == base.facts["regular_clients"] == len(base.tables["rhythm"])
    assert base.tables["states"]["share"].sum() == pytest.approx(1)
    listed = base.tables["states"].set_index("state")["clients"]
    assert len(base.tables["worklist"]) == listed["late"] + listed["sleeping"]


def test_row_order_and_splitting_lines_change_nothing(base: ChapterResult) -> None:
    rows = company(1)
    random.Random(9).shuffle(rows)
    quarter = {i: round(r["amount"] / 4, 4) for i, r in enumerate(rows)}
    halves = [{**r, "amount": part} for i, r in enumerate(rows) for part in (quarter[i], r["amount"] - quarter[i])]
    close(figures(base), figures(diagnose(make_case(rows))))
    close(figures(base), figures(diagnose(make_case(halves))))


def test_renaming_clients_changes_nothing(base: ChapterResult) -> None:
    rows = [{**r, "client_id": f"X{(int(r['client_id'][1:]) * 37) % 1000:04d}", "client": "?"} for r in company(1)]
    close(figures(base), figures(diagnose(make_case(rows))))


def test_an_order_cancelled_in_full_equals_one_never_placed(base: ChapterResult) -> None:
    more = [
        dict(
            order_id=f"big-{s}",
            client_id="C001",
            client="Клиент 1",
            order_date=day(700 + d),
            amount=a,
            segment="B",
            manager="M1",
            initiator="OUT",
            sku="S1",
            sku_group="G0",
        )
        for s in range(3)
        for d, a in ((0, 90_000.0), (9, -90_000.0))
    ]
    with_them = figures(diagnose(make_case([*company(1), *more])))
    known = {k: v for k, v in figures(base).items() if k != "retention.range_trend"}
    close(known, with_them)


def test_a_healthy_client_worsens_nothing(base: ChapterResult) -> None:
    steady = [
        dict(
            order_id=f"h-{k}",
            client_id="HEALTHY",
            client="H",
            order_date=day(15 + 30 * k),
            amount=300.0,
            segment="A",
            manager="M1",
            initiator="OUT",
            sku="S1",
            sku_group="G0",
        )
        for k in range(36)
    ]
    after = diagnose(make_case([*company(1), *steady])).metrics
    for name in ("second_purchase_naive", "repeat_revenue_share", "grr"):
        old, new = base.metrics[f"retention.{name}"].value, after[f"retention.{name}"].value
        assert old is not None and new is not None and new >= old - 1e-12
    for name in ("lost_revenue_share", "sleeping_share", "by_manager"):
        old, new = base.metrics[f"retention.{name}"].value, after[f"retention.{name}"].value
        assert old is not None and new is not None and new <= old + 1e-12


def some(n: int, every: int, clients: int, **more: Any) -> Rows:
    return [
        dict(order_id=str(i), client_id=f"C{i % clients}", order_date=day(i * every), amount=100, **more)
        for i in range(n)
    ]


DEGENERATE: dict[str, Rows] = {
    "one client, one order": some(1, 1, 1),
    "one client": some(40, 30, 1, manager="M", sku="s"),
    "one order each": some(100, 10, 100, manager="M"),
    "all on one day": some(100, 0, 30),
    "ten years of nothing": [
        dict(order_id=f"{c}-{k}", client_id=f"C{c}", order_date=day(k * 3650 + c), amount=100, manager="M", sku="s")
        for c in range(30)
        for k in range(2)
    ],
    "forty per cent returned": [
        dict(
            order_id=f"{c}-{k}-{back}",
            client_id=f"C{c}",
            order_date=day(k * 35 + c + back * 3),
            amount=-100 if back else 100,
            manager=f"M{c % 3}",
            sku="s",
            sku_group="g",
            initiator="OUT",
            promised_date=day(k * 35 + c + 2),
            shipped_date=day(k * 35 + c + 3),
        )
        for c in range(40)
        for k in range(25)
        for back in ((0, 1) if (c * 7 + k) % 5 < 2 else (0,))
    ],
    "only returns": [{**r, "amount": -100} for r in some(50, 10, 5)],
    "returns exceed sales": [
        dict(order_id=f"{i}-{a}", client_id=f"C{i % 25}", order_date=day(i * 8 + (a < 0)), amount=a)
        for i in range(100)
        for a in (100, -150)
    ],
    "a client with 5 000 orders": [
        *[
            dict(order_id=str(i), client_id="BIG", order_date=day(i % 1000), amount=1000, manager="M")
            for i in range(5000)
        ],
        *[
            dict(order_id=f"s{c}-{k}", client_id=f"C{c}", order_date=day(c * 5 + k * 60), amount=50, manager="N")
            for c in range(30)
            for k in range(10)
        ],
    ],
    "two months": [
        dict(order_id=f"{c}-{k}", client_id=f"C{c}", order_date=day(c % 30 + k * 20), amount=10)
        for c in range(40)
        for k in range(2)
    ],
    "orders of nothing": [{**r, "amount": 0} for r in some(60, 20, 9)],
    "hostile names": [
        dict(
            order_id=f"{c}-{k}",
            client_id=f"</script>{c}$=1+1",
            client=f'"><script>alert(1)</script> $x$ Ёё{c}',
            order_date=day(k * 40 + c),
            amount=100 + c,
            manager="'; DROP--\\",
            segment="<b>",
            sku="=1+1",
            sku_group="\\$",
        )
        for c in range(40)
        for k in range(27 if c % 4 else 15)
    ],
}


def finite(value: Any, where: str) -> None:
    if isinstance(value, float):
        assert math.isfinite(value), where
    elif isinstance(value, dict):
        for k, v in value.items():
            finite(v, f"{where}/{k}")


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_input_gives_sensible_words(name: str) -> None:
    case = make_case(DEGENERATE[name], {"company": {"sale_type": "TC"}})
    result = diagnose(case)
    findings = verdicts_on(case, result)
    assert len(findings) == 11
    for m in result.metrics.values():
        assert (m.value is None) == (m.reason is not None), m.id
        finite({"value": m.value, "low": m.low, "high": m.high, **m.extra}, m.id)
    finite(json.loads(json.dumps(dict(result.facts))), "facts")
    for f in findings:
        finite(json.loads(json.dumps(dict(f.facts))), f.id)
        assert (f.reason is not None) == (f.status == "not_assessed")
    for lang in ("ru",) if len(name) % 2 else ("en",):
        view = view_of(dataclasses.replace(case, settings=settings_from_mapping({"report": {"lang": lang}})), result)
        html = str(view.headline().html) + "".join(str(view.section(s).html) for s in view.sections)
        text = re.sub(r"base64,[^\"]*", "", html)
        assert not re.search(r"\bnan\b|NaN|\bNone\b|NaT|\binf\b", text)
        assert "<script>alert" not in text
        for sheet in view.sheets():
            missing = {c.key for c in sheet.columns} - set(sheet.frame.columns)
            assert not missing, (sheet.name, missing)


def test_every_chart_is_drawn_and_speaks_both_languages() -> None:
    rows = [
        {
            **r,
            "promised_date": r["order_date"],
            "shipped_date": r["order_date"] + dt.timedelta(days=i % 3),
            "client_since": day(-400) if int(r["client_id"][1:]) < 5 else None,
        }
        for i, r in enumerate(company(4, 80))
    ]
    case = make_case(rows, {"company": {"sale_type": "TC", "gross_margin_share": 0.3}})
    result = diagnose(case)
    for lang, word in (("ru", "клиент"), ("en", "client")):
        settings = settings_from_mapping({"report": {"lang": lang, "names": lang == "en"}})
        view = view_of(dataclasses.replace(case, settings=settings), result)
        drawn = [s for s in view.sections if "<figure" in str(view.section(s).html)]
        assert set(drawn) >= {
            "second_purchase",
            "repeat_share",
            "cohorts",
            "change",
            "drivers",
            "trends",
            "states",
            "comeback",
            "managers",
            "calendar",
        }
        text = " ".join(str(view.section(s).html) for s in view.sections)
        assert word in text
        text = re.sub(r"base64,[^\"]*", "", text)
        assert ("M1" in text) == (lang == "en")  # persons are named only when the settings ask for it
        if lang == "ru":
            words = re.sub(r"<[^>]+>", " ", text)
            english = set(re.findall(r"[A-Za-z]{3,}", words)) - {"MBG", "NBD", "LMDI", "annex", "xlsx"}
            assert not english
