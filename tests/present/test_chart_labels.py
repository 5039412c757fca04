"""Labels of pictures: two lines instead of a cut, nothing that XML may not hold; the plan drawn by day."""

from __future__ import annotations

import datetime as dt
import math
import re
import textwrap

import pytest
from lxml import etree

from audit.errors import Lang
from audit.method import method
from audit.present.chart import Benchmark, Caption
from audit.present.charts.draw import bars, lines_of, step_curve
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


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_name_of_every_action_stands_whole_in_the_plan(lang: Lang) -> None:
    day = dt.date(2026, 1, 1)
    names = [re.split(r"[:(,]| — ", a.name.get(lang))[0].strip() for a in method().actions.values()]
    rows = [Bar(k, name, day, day + dt.timedelta(days=30)) for k, name in enumerate(names, 1)]
    svg = gantt(Caption("plan", "План"), rows, day, fmt=Fmt(lang)).svg
    assert "…" not in svg
    assert all(len(textwrap.wrap(f"10. {name}", 50)) <= 2 for name in names)


@pytest.mark.parametrize("share", [0.3, 0.47, 0.6, 0.66, 0.7, 0.76, 0.85, 0.91, 0.97])
def test_the_figure_of_a_curve_keeps_off_the_norm(share: float) -> None:
    days = [float(d) for d in range(0, 400, 5)]
    grown = [share * (1 - math.exp(-d / 60)) for d in days]
    svg = step_curve(
        Caption("curve", "К"), days, grown, fmt=Fmt("en"), mark=Benchmark(0.67, "norm 67%"), horizon=365, x_max=400
    ).svg
    line = float(re.search(r"M [\d.]+ ([\d.]+)[^M]*?stroke-dasharray", svg)[1])  # type: ignore[index]
    figure = float(re.search(rf'y="([\d.]+)">{grown[73]:.0%}<', svg)[1])  # type: ignore[index]
    right = re.search(r'text-anchor: end[^>]*y="([\d.]+)">norm 67%<', svg)
    assert not figure - 9 < line < figure + 2
    assert right is None or not figure - 10 < float(right[1]) < figure + 9
