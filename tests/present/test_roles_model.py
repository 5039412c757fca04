"""Roles and conveyor in the report: both languages, sick, healthy, empty, hostile; nobody named who should not be."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from audit.chapters import view_of
from audit.chapters.conveyor.measure import diagnose as diagnose_model
from audit.chapters.roles.charts import flow_chart
from audit.chapters.roles.measure import diagnose as diagnose_roles
from audit.method import method
from audit.present.annex import Sheet
from audit.run.sheets import write_sheets
from tests.roles_tables import case_of, orders, staff

PEOPLE = staff(
    "K1 KM",
    "K2 KM",
    "K3 KM",
    "O1 OP",
    "R1 SR",
    "E1 SUP",
    "M1",
    M1={"title": "Менеджер по продажам"},
    K1={"name": "Иванов И.И.", "cost_month": 100000},
    K2={"cost_month": 100000},
    K3={"cost_month": 90000},
    O1={"cost_month": 60000},
    R1={"cost_month": 90000},
    E1={"cost_month": 90000},
)
SICK = {
    "K1": {"OPS_ORDER": 0.4, "OPS_DOCS": 0.2, "HUNT_SELL": 0.1, "FARM_REPEAT": 0.3},
    "K2": {"OPS_ORDER": 0.3, "SUP_BUY": 0.2, "FARM_REPEAT": 0.5},
    "K3": {"OPER": 0.1, "FARM_REPEAT": 0.9},
    "O1": {"OPS_ORDER": 0.9, "OV_WAIT": 0.1},
    "R1": {"HUNT_SELL": 0.6, "OPS_DOCS": 0.4},
    "E1": {"SOL_FORM": 0.8, "HUNT_SELL": 0.2},
    "M1": {"FARM_REPEAT": 1.0},
}
HEALTHY = {
    p: {f: 1.0}
    for p, f in (
        ("K1", "FARM_REPEAT"),
        ("K2", "FARM_REPEAT"),
        ("K3", "FARM_REPEAT"),
        ("O1", "OPS_ORDER"),
        ("R1", "HUNT_SELL"),
        ("E1", "SOL_FORM"),
    )
}
LOG = [
    {
        "person": p,
        "date": f"2025-11-{d:02d}",
        "start": a * 60,
        "end": b * 60,
        "function": f,
        "initiator": i,
        "interrupted": True,
    }
    for p in ("K1", "K2")
    for d in (3, 4, 5, 6, 7)
    for a, b, f, i in ((9, 13, "OPS_ORDER", "IN"), (13, 14, "OV_BREAK", None), (14, 18, "FARM_REPEAT", "OUT"))
]
LINES = orders(
    80,
    manager=lambda i: ("K1", "K2", "Чужой Ч.Ч.")[i % 3],
    created_by=lambda i: "K1" if i % 3 == 0 else "O1",
    margin=20.0,
    sku_group=lambda i: f"G{i % 4}",
)
KEYS = [{"client_id": f"c{i}", "lead": "K1" if i % 2 else "R1"} for i in range(10)]
RU_ONLY = re.compile(r"[A-Za-z]{4,}")
ALLOWED_LATIN = {
    "annex",
    "xlsx",
    "audit",
    "toml",
    "Albers",
    "Insights",
    "Proudfoot",
    "move",
    "functions",
    "relief",
    "OV_WAIT",
    "add_relief_fte",
    "move_functions",
}


def view(chapter, people, answers, lang="ru", names=False, **more):
    case = case_of(people, answers, report={"lang": lang, "names": names}, **more)
    options = {"add_relief_fte": 1.0, "move_functions": {"OPS_ORDER": "OP"}} if chapter == "roles" else {}
    result = diagnose_roles(case, **options) if chapter == "roles" else diagnose_model(case)
    return view_of(case, result)


def whole(v):
    parts = [str(v.headline().html)] + [str(v.section(name).html) for name in v.sections]
    return "\n".join(parts)


STATES = {
    "sick": {"people": PEOPLE, "answers": SICK, "lines": LINES, "day_log": LOG, "key_clients": KEYS},
    "healthy": {"people": PEOPLE[:-1], "answers": HEALTHY},
    "no hours": {"people": PEOPLE, "answers": {}},
    "no questionnaire": {"people": None, "answers": None},
}


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("chapter", ["roles", "model"])
def test_every_section_and_sheet_is_made(chapter, state, lang):
    v = view(chapter, lang=lang, **STATES[state])
    html = whole(v)
    assert "None" not in html and "nan" not in re.sub(r"<[^>]+>", "", html).split()
    assert "{{" not in html and "{%" not in html
    text = re.sub(r"<[^>]+>", " ", html)
    if lang == "ru":
        foreign = {w for w in RU_ONLY.findall(text)} - ALLOWED_LATIN
        assert not {w for w in foreign if not re.fullmatch(r"[A-Z]{2,}\w*|src|data|base64", w)}, foreign
    else:
        assert not re.findall(r"[А-Яа-яЁё]{4,}", text.replace("Проба", "")), re.findall(r"[А-Яа-яЁё]{4,}.{30}", text)[
            :5
        ]
    for sheet in v.sheets():
        assert isinstance(sheet, Sheet) and len(sheet.frame)
        assert {c.key for c in sheet.columns} <= set(sheet.frame.columns), sheet.name
        for c in sheet.columns:
            for value in sheet.frame[c.key].head(3):
                assert str(c.write(value, v.fmt)) is not None


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_finding_has_title_and_text_in_every_status_it_can_have(lang):
    from audit.present.narrative import narrative_source

    never = {("extra_station", "watch"), ("buying_under_sales", "watch")}
    for chapter in ("roles", "model"):
        words = narrative_source(lang, chapter)["findings"]
        assert set(words) == {f.id.split(".")[1] for f in method().findings_of(chapter)}
        for name, parts in words.items():
            for status in ("found", "watch", "clear"):
                if (name, status) not in never:
                    assert parts["title"][status] and parts["text"][status], (chapter, name, status)


def test_report_shows_codes_and_says_where_figures_are_personal():
    html = whole(view("roles", **STATES["sick"]))
    assert "Иванов" not in html and "Ч.Ч." not in html
    assert "Сотрудники обозначены кодами" in html
    assert "меньше трёх человек" in html and "операционист" in html
    named = whole(view("roles", names=True, **STATES["sick"]))
    assert "Иванов И.И." in named and "названы по именам" in named
    assert "меньше трёх человек" in whole(view("model", **STATES["sick"]))


def test_no_name_leaves_in_the_facts_either():
    """Facts go into the run's JSON files: neither names nor spellings of people may be among them."""
    v = view("roles", **STATES["sick"])
    text = json.dumps(
        [v.result.facts, [m.extra for m in v.result.metrics.values()], [f.facts for f in v.findings]],
        ensure_ascii=False,
        default=str,
    )
    for name in ("Иванов", "Ч.Ч."):  # codes are how the report names people
        assert name not in text, name


def test_names_from_the_clients_files_cannot_become_markup():
    nasty = "<script>alert(1)</script>"
    people = staff("K1 KM", "O1 OP", K1={"name": nasty}, O1={"name": "$x$"})
    answers = {"K1": {"OPS_ORDER": 0.5, "FARM_REPEAT": 0.5}, "O1": {"OPS_ORDER": 1.0}}
    lines = orders(60, manager=lambda i: nasty if i % 2 else "K1", created_by="O1")
    html = whole(view("roles", people, answers, names=True, lines=lines)) + whole(
        view("model", people, answers, names=True)
    )
    assert "<script>alert" not in html


def test_charts_are_equal_byte_for_byte_and_tell_the_finding():
    a, b = (view("roles", **STATES["sick"]) for _ in range(2))
    first, second = (flow_chart(v.result, v.fmt) for v in (a, b))
    assert first is not None and second is not None and first.svg == second.svg
    assert "Чужая работа" in first.title and "операционист" in first.title
    healthy = view("roles", **STATES["healthy"])
    assert flow_chart(healthy.result, healthy.fmt).title == "Каждая роль делает свою работу"


def test_pencil_table_shows_hours_times_share():
    """K1 64 h and K2 48 h of entry = 112 × 0.9 = 101 h; papers 32 × 0.95 = 30 h; by group 16 × 0.76 = 12 h: 144 h."""
    html = str(view("roles", **STATES["sick"]).section("relief").html)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    assert re.search(r"Обработка заказов.{0,60} 112 0,90 101", text), text
    assert re.search(r"Всего 160 — 143|Всего 160 — 144", text), text
    assert "один на пятерых" in text and "Это оценка возможностей отдела" in text


def test_sheets_survive_the_way_to_the_annex_and_findings_name_sheets_that_exist(tmp_path):
    for chapter in ("roles", "model"):
        v = view(chapter, **STATES["sick"])
        write_sheets(tmp_path, chapter, v.sheets())
        names = {s.name for s in v.sheets()}
        for f in v.findings:
            if f.status in ("found", "watch") and f.table is not None:
                assert v.sheet_name(f.table) in names, f.id
        index = json.loads(next((tmp_path / "sheets").glob(f"*_{chapter}.json")).read_text(encoding="utf-8"))
        assert [e["name"] for e in index] == [s.name for s in v.sheets()]
        for e, sheet in zip(index, v.sheets(), strict=True):
            assert len(pd.read_parquet(tmp_path / "sheets" / e["file"])) == len(sheet.frame)


def test_conveyor_names_the_empty_station():
    v = view("model", **STATES["sick"])
    chart = v.section("conveyor").parts[0]
    assert chart.title == "Роли в компании нет: ТМ, бэк-офис"
    assert "не занята" in chart.svg
