"""Labels of pictures: two lines instead of a cut, nothing that XML may not hold; the plan drawn by day."""

from __future__ import annotations

import datetime as dt

from lxml import etree

from audit.present.chart import Caption
from audit.present.charts.draw import bars, lines_of
from audit.present.charts.plan import Bar, gantt
from audit.present.format import Fmt

LONG = "проталкивание заказа через производство и склад до отгрузки"


def test_a_long_label_takes_two_lines() -> None:
    assert lines_of("коротко") == "коротко"
    assert lines_of(LONG).split("\n") == ["проталкивание заказа через", "производство и склад до отгрузки"]
    assert lines_of("щ" * 300).count("\n") <= 1 and lines_of("щ" * 300).endswith("…")


def test_unseen_characters_of_a_name_break_no_picture() -> None:
    chart = bars(Caption("x", "x"), ["ООО\x0b \x1fРо\x00машка\x85"], [0.5], fmt=Fmt("ru"))
    etree.fromstring(chart.svg.encode("utf-8"))


def test_the_plan_is_drawn_from_its_day() -> None:
    day = dt.date(2026, 12, 1)
    rows = [
        Bar(1, "Упростить", day, day + dt.timedelta(days=30), owner="РОП"),
        Bar(2, "Передать", day + dt.timedelta(days=30), day + dt.timedelta(days=60), (1,), "РКО"),
    ]
    svg = gantt(Caption("plan", "План"), rows, day, fmt=Fmt("ru")).svg
    for told in ("1. Упростить", "РКО", "01.12.2026", "31.12.2026", "01.03.2027"):
        assert told in svg.replace("\u00a0", " "), told
