"""The organisation: spans, a head of clients, purchasing, posts by station; the pictures show everybody once."""

from __future__ import annotations

import re

import pytest

from audit.chapters import diagnose_chapter, verdicts_on
from audit.chapters.conveyor.measure import diagnose
from audit.present.chart import Caption
from audit.present.charts.tree import Box, _place, grouped, tree_chart
from tests.roles_tables import case_of, orders, staff


def under(head, *people):
    """Rows of the staff sheet, all reporting to ``head``."""
    return staff(*people, **{p.split()[0]: {"reports_to": head} for p in people})


def judged(people, answers=None, **more):
    case = case_of(people, answers or {}, **more)
    result = diagnose(case)
    return {f.id.split(".")[1]: f for f in verdicts_on(case, result)}, result


@pytest.mark.parametrize(("reports", "status"), [(9, "clear"), (10, "watch"), (12, "watch"), (13, "found")])
def test_a_wide_span(reports, status):
    """Nine direct reports are in order; the limits are ten and thirteen."""
    found, result = judged([*staff("R1 ROP"), *under("R1", *(f"S{i} SR" for i in range(reports)))])
    assert found["wide_span"].status == status
    assert result.metrics["model.span"].value == reports
    assert [w["person"] for w in found["wide_span"].facts["wide"]] == (["R1"] if reports >= 10 else [])


def test_the_limit_of_a_span_can_be_moved():
    people = [*staff("R1 ROP"), *under("R1", *(f"S{i} SR" for i in range(7)))]
    moved = {"model.wide_span": {"watch": 5, "found": 7}}
    assert judged(people, thresholds=moved)[0]["wide_span"].status == "found"


@pytest.mark.parametrize(("managers", "status"), [(2, "not_assessed"), (3, "watch"), (4, "watch"), (5, "found")])
def test_client_managers_under_the_head_of_sales(managers, status):
    people = [*staff("R1 ROP"), *under("R1", "S1 SR", *(f"K{i} KM" for i in range(managers)))]
    assert judged(people)[0]["no_client_head"].status == status


def test_a_head_of_clients_is_told_by_whom_the_head_leads_not_by_the_title():
    managers = [f"K{i} KM" for i in range(6)]
    own = [*staff("R1 ROP", "H1 ROP"), *under("R1", "S1 SR"), *under("H1", *managers, "O1 OP")]
    assert judged(own)[0]["no_client_head"].status == "clear"
    mixed = [*staff("H1 RKO"), *under("H1", *managers, "S1 SR")]
    found = judged(mixed)[0]["no_client_head"]
    assert found.status == "found"
    assert [(h["person"], h["reports"]) for h in found.facts["heads"]] == [("H1", 7)]
    senior = [*staff("R1 ROP"), *under("R1", "Z1 SKM", "S1 SR"), *under("Z1", *managers)]
    assert judged(senior)[0]["no_client_head"].status == "clear", "a senior client manager leads them"


def test_types_without_a_client_department_are_not_asked_for_one():
    people = [*staff("R1 ROP"), *under("R1", "S1 SR", *(f"K{i} KM" for i in range(6)))]
    assert judged(people, sale_type="T")[0]["no_client_head"].status == "not_assessed"


@pytest.mark.parametrize(
    ("head", "status"), [("R1", "found"), ("K1", "found"), ("D1", "clear"), (None, "not_assessed")]
)
def test_purchasing_under_sales(head, status):
    """Under the head of sales or a seller it is found; under the commercial director it is usual."""
    rows = staff("D1 KD", "R1 ROP", "K1 KM", "P1 PUR", K1={"reports_to": "R1"}, P1={"reports_to": head})
    assert judged(rows)[0]["buying_under_sales"].status == status


def test_nobody_says_who_leads_whom():
    found, result = judged(staff("R1 ROP", *(f"K{i} KM" for i in range(6)), "P1 PUR"))
    for name in ("wide_span", "no_client_head", "buying_under_sales"):
        assert found[name].status == "not_assessed"
    assert "Руководитель" in result.metrics["model.span"].reason.ru


POSTS = {
    "K1": {"FARM_REPEAT": 0.5, "OPS_ORDER": 0.5},
    "O1": {"OPS_ORDER": 0.9, "OV_WAIT": 0.1},
    "S1": {"HUNT_SELL": 1.0},
}


def test_posts_by_hours_with_a_pencil():
    """K1 gives half of the hours to entry: ½ post goes to the order desk, ½ stays; O1's waiting is overhead."""
    people = staff("K1 KM", "O1 OP", "S1 SR", "S2 SR")
    posts = judged(people, POSTS)[1].tables["posts"].set_index("station")
    assert posts.loc["KM", ["now", "by_hours"]].tolist() == [1.0, 0.5]
    assert posts.loc["OP", ["now", "by_hours"]].tolist() == [1.0, 1.5]
    assert posts.loc["SR", "by_hours"] == 2.0, "S2 gave no hours and counts at the own station"
    assert posts.loc["OP", "moved"] == {"KM": 80.0}
    assert posts["by_hours"].sum() == posts["now"].sum() == 4.0, "nothing is lost, nothing is added"
    assert posts.loc["TM", ["low", "high"]].tolist() == [0.5, 0.5], "the type requires the station"


def test_demand_takes_the_place_of_reported_hours():
    """25 clients × 4 touches × 24 min = 40 h in place of the 80 h reported with clients: half of half a post."""
    company = {"touches_per_client_month": 4, "minutes_per_touch": 24}
    posts = judged(staff("K1 KM", "O1 OP"), POSTS, company=company, lines=orders(50))[1].tables["posts"]
    km = posts.set_index("station").loc["KM"]
    assert km["by_demand"] == pytest.approx(0.25)
    assert (km["low"], km["high"]) == (0.5, 0.5)


def test_demand_replaces_only_the_hours_that_count_for_the_station():
    """Widening the range is a developer's own work, too: those 160 hours are no client manager's to be replaced by touches."""
    people = staff("K1 KM", "S1 SR", "O1 OP")
    says = {"K1": {"FARM_REPEAT": 0.5, "KAM_PLAN": 0.5}, "S1": {"FARM_RANGE": 1.0}, "O1": {"OPS_ORDER": 1.0}}
    company = {"touches_per_client_month": 4, "minutes_per_touch": 24}
    posts = judged(people, says, company=company, lines=orders(50))[1].tables["posts"].set_index("station")
    assert posts.loc["KM", "by_hours"] == 1.0 and posts.loc["SR", "by_hours"] == 1.0
    assert posts.loc["KM", "by_demand"] == pytest.approx((80 + 40) / 160)


def test_hours_of_people_whose_role_nobody_chose_break_nothing():
    people = [{"person": "A1"}, {"person": "A2", "reports_to": "A1"}]
    result = judged(people, {"A1": {"FARM_REPEAT": 1.0}})[1]
    assert result.tables["posts"]["by_hours"].sum() == 0
    assert result.tables["people"]["person"].tolist() == ["A1", "A2"]


def test_without_the_sheet_of_time_no_posts_are_told():
    assert judged(staff("K1 KM"))[1].tables["posts"].empty


@pytest.mark.parametrize(("touches", "status"), [(1, "watch"), (2, "clear"), (8, "clear")])
def test_hours_that_the_touch_norm_leaves_free(touches, status):
    """25 clients × 1 touch × 96 min = 40 h in place of the 80 h with clients, beside 40 h of entry: half of 160 h used."""
    people, says = staff("K1 KM", "O1 OP"), {"K1": {"FARM_REPEAT": 0.75, "OPS_ORDER": 0.25}, "O1": {"OPS_ORDER": 1.0}}
    company = {"touches_per_client_month": touches, "minutes_per_touch": 96}
    found, result = judged(people, says, company=company, lines=orders(50))
    m = result.metrics["model.km_capacity_used"]
    assert m.value == pytest.approx((160 - 120 + 40 * touches) / 160)
    assert found["overcapacity"].status == status
    assert m.extra["free"] == pytest.approx(max(160 - 40 - 40 * touches, 0))


def test_free_hours_are_a_question_and_never_a_problem():
    people, says = staff("K1 KM"), {"K1": {"FARM_REPEAT": 1.0}}
    company = {"touches_per_client_month": 0.01, "minutes_per_touch": 1}
    found, result = judged(people, says, company=company, lines=orders(50))
    assert result.metrics["model.km_capacity_used"].value < 0.01
    assert found["overcapacity"].status == "watch"
    wider = {"model.overcapacity": {"watch": 0.00001, "found": 0.0}}
    assert (
        judged(people, says, company=company, lines=orders(50), thresholds=wider)[0]["overcapacity"].status == "clear"
    )
    silent = judged(people, says, lines=orders(50))[0]["overcapacity"]
    assert silent.status == "not_assessed" and "нормы касаний" in silent.reason.ru


# --- pictures


def boxes(n, depth=0):
    below = tuple(boxes(k, depth + 1) for k in range(n)) if depth < 2 else ()
    return Box(f"{depth}-{n}", below=below)


@pytest.mark.parametrize("tops", [[boxes(0)], [boxes(1)], [boxes(3)], [boxes(6), boxes(0), boxes(2)], [boxes(11)]])
def test_every_box_is_drawn_once_and_none_covers_another(tops):
    def count(box):
        return 1 + sum(count(b) for b in box.below)

    placed, height = _place(tops)
    assert len(placed) == sum(count(t) for t in tops)
    assert all(p.y + 0.38 <= height + 1e-9 for p in placed)
    rows = sorted(placed, key=lambda p: (p.y, p.x))
    for i, a in enumerate(rows):
        for b in rows[i + 1 :]:
            apart = a.x + a.width <= b.x + 1e-9 or b.x + b.width <= a.x + 1e-9 or a.y + 0.38 <= b.y + 1e-9
            assert apart, (a, b)


def test_no_line_to_a_lower_row_runs_behind_a_box():
    """Four heads with people and one without: the fifth stands in a lower row, on the columns of the first."""
    top = Box("D", below=(*(Box(f"H{k}", below=tuple(Box(f"{k}{i}") for i in range(6))) for k in range(4)), Box("P")))
    placed, _ = _place([top])
    fifth = next(p for p in placed if p.box.name == "P")
    gutter = fifth.x - 0.07
    between = [p for p in placed if p.box.name != "D" and p.y < fifth.y]
    assert all(gutter <= p.x + 1e-9 or gutter >= p.x + p.width - 1e-9 for p in between)


def test_more_of_one_role_than_six_are_one_box():
    same = [("КМ", Box(f"K{i}", part=i / 10)) for i in range(8)]
    assert [b.name for b in grouped([*same, ("ОП", Box("O1"))], 6, "{n} чел.")] == ["8 чел.", "O1"]
    assert grouped(same, 6, "{n} чел.")[0].part == pytest.approx(0.35)
    assert len(grouped(same[:6], 6, "{n} чел.")) == 6


@pytest.mark.parametrize("n", [6, 120])
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_chapter_shows_both_organisations(n, lang):
    managers = [f"K{i:03d} KM" for i in range(n - 4)]
    people = [
        *staff(
            "D1 KD",
            "R1 ROP",
            "O1 OP",
            "S1 SR",
            R1={"reports_to": "D1"},
            O1={"reports_to": "R1"},
            S1={"reports_to": "R1"},
        ),
        *under("R1", *managers),
    ]
    case = case_of(people, POSTS | {"K000": {"FARM_REPEAT": 0.5, "OPS_ORDER": 0.5}}, report={"lang": lang})
    view = diagnose_chapter(case, "model")
    for name in ("organisation", "target"):
        section = view.section(name)
        assert "{{" not in str(section.html) and len(section.parts) >= 1
    asis = next(c for c in view.charts() if c.id == "model-organisation")
    assert "K000" in asis.alt and "D1: R1" in asis.alt, "the alternative text says the structure"
    drawn = re.sub(r"<[^>]+>", " ", asis.svg)
    assert "D1" in drawn and ("116 " in drawn if n == 120 else "K000" in drawn)
    assert {s.name for s in view.sheets()} >= {view.sheet_name("people"), view.sheet_name("posts")}


def test_a_tree_of_three_levels_and_a_hundred_and_twenty_people_fits_a_page():
    """Two heads of clients, each with four seniors, each with six managers and two clerks: seven boxes a senior at first."""
    people = [*staff("D1 GD"), *under("D1", "H1 RKO", "H2 RKO", *(f"R{i} ROP" for i in range(4)))]
    for h in ("H1", "H2"):
        people += under(h, *(f"{h}M{j} SKM" for j in range(4)))
        for j in range(4):
            people += under(f"{h}M{j}", *(f"{h}K{j}{x} KM" for x in range(6)), f"{h}O{j}0 OP", f"{h}O{j}1 OP")
    for i in range(4):
        people += under(f"R{i}", *(f"S{i}{x} SR" for x in range(9)))
    assert len(people) > 110
    view = diagnose_chapter(case_of(people, {"H1K00": {"FARM_REPEAT": 1.0}}), "model")
    view.section("organisation")
    chart = next(c for c in view.charts() if c.id == "model-organisation")
    width, height = (float(x) for x in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', chart.svg).groups())
    assert height / width < 8.7 / 6.5
    assert "H1K00" in chart.alt and "H2O31" in chart.alt, "the alternative text names everybody all the same"


@pytest.mark.parametrize("line", ["now 0.5, needed 0.5–1.5", "client manager + developer", "операционист · 0,5 ставки"])
def test_what_a_box_says_is_not_cut(line):
    chart = tree_chart([Box("Q", below=(Box("H", below=(Box("K", line), Box("L", line))),))], Caption("t", "t"))
    assert chart is not None and line in re.sub(r"<[^>]+>", " ", chart.svg)


def test_names_in_the_picture_are_text():
    chart = tree_chart([Box("<script>&$x$\x00", "a" * 300)], Caption("t", "t"))
    assert chart is not None and "<script>" not in chart.svg and "&lt;script&gt;" in chart.svg


def test_circles_and_leavers_are_told_in_words():
    rows = staff(
        "A1 ROP",
        "B1 KM",
        "C1 KM",
        "E1 KM",
        A1={"reports_to": "B1"},
        B1={"reports_to": "A1"},
        C1={"reports_to": "E1"},
        E1={"end": "2024-01-01"},
    )
    view = diagnose_chapter(case_of(rows, {}, report={"lang": "ru"}), "model")
    text = str(view.section("organisation").html)
    assert "друг другу по кругу: A1" in text and "уже не работает: C1" in text


def test_the_matrix_holds_every_hour_beside_the_norm():
    """K1: 80 h own, 80 h of the order desk's; O1: 144 h own; S1: 160 h own. Waiting is nobody's function."""
    case = case_of(staff("K1 KM", "O1 OP", "S1 SR"), POSTS, report={"lang": "en"})
    rows = diagnose(case).tables["matrix"].set_index(["function", "family"])
    assert rows.loc[("OPS_ORDER", "KM"), ["norm", "hours"]].tolist() == ["foreign", 80.0]
    assert rows.loc[("OPS_ORDER", "OP"), ["norm", "hours", "people"]].tolist() == ["own", 144.0, 1]
    assert rows["hours"].sum() == pytest.approx(80 + 80 + 144 + 160)
    assert rows.loc[("HUNT_SELL", "SR"), "norm"] == "own"
    html = str(diagnose_chapter(case, "model").section("matrix").html)
    assert "<strong>● 80</strong>" in html and "■ 144" in html


def test_no_name_leaves_the_questionnaire():
    """A client who types names in place of codes: neither figures nor facts carry them."""
    rows = staff("Иванов ROP", "K1 KM", "K2 KM", "K3 KM", "P1 PUR", Иванов={"name": "Иванов"})
    rows[1:] = [r | {"reports_to": "Иванов"} for r in rows[1:]]
    found, result = judged(rows)
    told = str([m.extra for m in result.metrics.values()]) + str(result.facts) + str([f.facts for f in found.values()])
    assert found["buying_under_sales"].status == "found"
    assert "Иванов" not in told
