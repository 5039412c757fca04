"""Charts: same bytes for the same figures, safe names, faces that travel with the report."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from audit.present.chart import Band, Benchmark, Caption, Chart, draw_pictures
from audit.present.charts.draw import (
    bars,
    flow,
    funnel,
    heat_map,
    shorten,
    stacked_bars,
    step_curve,
    time_series,
    waterfall,
)
from audit.present.charts.style import register_fonts
from audit.present.format import Fmt
from audit.present.later import pictures_later
from audit.present.pictures import Sheet, pictures
from audit.present.style import SANS, STATUS, contrast, font_file, on_color, readable, tint

RU = Fmt("ru", "RUB")
NASTY = "$x$ <b> & \"q\" 'q' </text><script>alert(1)</script>"


def caption(id: str = "c") -> Caption:
    return Caption(id, "Название", note="n = 5, 2025 г.", subtitle="Доля")


def every_chart() -> list[Chart]:
    return [
        bars(
            caption("bars"),
            [NASTY, "Б", "В"],
            [0.47, 0.05, None],
            fmt=RU,
            low=[0.4, 0.02, None],
            high=[0.55, 0.09, None],
            n=[12, 3, None],
            mark=Benchmark(0.2, "порог 20 %"),
            band=Band(0.2, 0.4),
            status=["found", "clear", None],
            expected=[0.1, None, None],
            expected_label="случайно",
        ),
        stacked_bars(
            caption("stack"), ["А", NASTY], {"свои": [0.6, 0.2], "чужие": [0.4, 0.8]}, fmt=RU, emphasise="чужие"
        ),
        heat_map(caption("heat"), ["01.25", NASTY], ["0", "1", "2"], [[1, 0.5, None], [1, math.nan, None]], fmt=RU),
        heat_map(caption("heat-wide"), ["a", "b"], [str(i) for i in range(30)], [[0.1] * 30, [None] * 30], fmt=RU),
        step_curve(
            caption("km"),
            [0, 10, 400],
            [0, 0.3, 0.6],
            fmt=RU,
            low=[0, 0.2, 0.5],
            high=[0, 0.4, 0.7],
            mark=Benchmark(0.67, "норма"),
            horizon=365,
            at_risk=[(0, 9), (365, 3)],
            at_risk_label="в наблюдении",
            naive=[0, 0.2, 0.4],
            naive_label="без поправки",
        ),
        flow(
            caption("flow"),
            [("KM", "KM", 4.0), ("KM", "OP", 3.0), ("OP", "OP", 1.0), ("KM", "TM", 0.5)],
            fmt=RU,
            labels={"KM": "КМ", "OP": NASTY, "TM": "ТМ"},
            left_title="кто",
            right_title="чья",
            own_label="своя",
            missing=["TM"],
            missing_label="роли нет",
        ),
        funnel(
            caption("funnel"),
            ["К1", NASTY],
            [20, 60],
            [0.2, 0.6],
            fmt=RU,
            mean=0.2,
            limits=[(10, 0, 0.5, 0, 0.6), (80, 0.1, 0.3, 0.05, 0.4)],
            positions=[0, 2],
            mean_label="среднее",
            x_label="клиентов",
        ),
        waterfall(caption("bridge"), ("было", 100.0), [("новые", 20.0), (NASTY, -30.0)], ("стало", 90.0), fmt=RU),
        time_series(
            caption("series"),
            ["2025-01-01", "2025-02-01", "2025-03-01"],
            {NASTY: [1, None, 3], "б": [2, 2, 2]},
            fmt=RU,
            trend=[1, 2, 3],
            trend_label="+5 %",
            shade_from="2025-02-01",
            shade_label="год",
            mark=Benchmark(2, "норма"),
        ),
    ]


@pytest.fixture(scope="module")
def charts() -> list[Chart]:
    return every_chart()


def test_equal_figures_give_equal_bytes(charts: list[Chart]) -> None:
    for first, second in zip(charts, every_chart(), strict=True):
        assert first.svg == second.svg
        assert first.slide_png == second.slide_png


def test_svg_is_well_formed_and_holds_no_markup_of_a_client(charts: list[Chart]) -> None:
    for chart in charts:
        root = etree.fromstring(chart.svg.encode())
        assert not [e for e in root.iter() if isinstance(e.tag, str) and e.tag.endswith(("script", "b"))]


def test_dollar_signs_stay_dollar_signs(charts: list[Chart]) -> None:
    texts = [t for t in etree.fromstring(charts[0].svg.encode()).itertext() if "x" in t]
    assert any(t.startswith("$x$ <b>") for t in texts)


def test_text_stays_text_in_the_reports_face(charts: list[Chart]) -> None:
    assert f"font-family: '{SANS}'" in charts[0].svg
    assert "<metadata" not in charts[0].svg


def test_alt_text_says_what_title_and_note_say(charts: list[Chart]) -> None:
    assert charts[0].alt == "Название. Доля. n = 5, 2025 г."


def test_blank_cells_stay_blank(charts: list[Chart]) -> None:
    # two rows of three: four cells have no value, 1 + 0.5 + 1 do; one more rectangle is the ground of the figure
    root = etree.fromstring(charts[2].svg.encode())
    numbers = [t for t in root.itertext() if t.strip() in {"100", "50"}]
    assert len(numbers) == 3


def test_saving_writes_svg_and_a_titled_picture(charts: list[Chart], tmp_path: Path) -> None:
    written = charts[0].save(tmp_path)
    assert [p.name for p in written] == ["bars.svg", "bars.png"]
    titled, bare = written[1].read_bytes(), replace(charts[0], title="", subtitle="", note="").slide_png
    assert bare is not None
    assert titled.startswith(b"\x89PNG")
    # the picture for slides is higher by its title and note: height stands in bytes 20–24 of a PNG
    assert int.from_bytes(titled[20:24], "big") > int.from_bytes(bare[20:24], "big")
    assert charts[0].svg == every_chart()[0].svg  # drawing the title left the chart as it was


def test_pictures_put_aside_are_the_same_pictures(tmp_path: Path) -> None:
    at_once, later = tmp_path / "a", tmp_path / "b"
    pictures_later(later)
    for chart in every_chart():
        chart.save(at_once)
        assert [p.suffix for p in chart.save(later)] == [".svg"]
    assert not list(later.glob("*.png"))
    assert sorted(p.name for p in draw_pictures(later)) == sorted(p.name for p in at_once.glob("*.png"))
    for picture in at_once.glob("*.png"):
        assert (later / picture.name).read_bytes() == picture.read_bytes(), picture.name
    assert sorted(p.suffix for p in later.iterdir()) == sorted(p.suffix for p in at_once.iterdir())
    assert draw_pictures(later) == []


def test_svg_is_lean_and_clips_only_what_sticks_out() -> None:
    chart = bars(caption(), ["А", "Б"], [0.2, 0.4], fmt=RU, limit=0.3)  # one bar is longer than the axis
    assert "<g>" not in chart.svg and chart.svg.count("font-family") == 1
    clipped = re.findall(r'<path d="M ([\d.]+) [^"]*" clip-path', chart.svg)
    assert len(clipped) == 1
    inside = bars(caption(), ["А", "Б"], [0.2, 0.25], fmt=RU, limit=0.3)
    assert "clip-path" not in inside.svg


def test_long_labels_are_cut() -> None:
    assert shorten("Ё" * 300, 10) == "Ё" * 9 + "…"
    assert shorten(" a \n b ") == "a b"


def test_faces_are_there_and_have_the_letters() -> None:
    from fontTools.ttLib import TTFont

    assert register_fonts()
    for face in ("AuditSans-Regular", "AuditSans-Semibold"):
        letters = TTFont(str(font_file(face))).getBestCmap()
        wanted = "Ёё№₽«»—–−≥≤×…\u00a0\u202f" + "".join(s.shape for s in STATUS.values())
        assert [c for c in wanted if ord(c) not in letters] == []


def test_status_inks_can_be_read() -> None:
    for mark in STATUS.values():
        assert contrast(mark.ink, mark.wash) >= 4.5
        assert contrast(mark.ink, "#ffffff") >= 4.5


@pytest.mark.parametrize("accent", ["#ffe000", "#1f5a7a", "#000000", "#ffffff", "#00ff00"])
def test_any_accent_is_made_readable(accent: str) -> None:
    assert contrast(readable(accent), "#ffffff") >= 4.5
    assert contrast(on_color(accent), accent) >= 4.5
    assert tint(accent, 1) == "#ffffff"


def test_no_row_of_dots_is_lost_in_a_picture_for_slides() -> None:
    """A slanting line goes on evenly from row to row, whatever the picture's height is in dots."""
    heights = [100 + 1.3 * k for k in range(12)]
    line = '<path d="M20 10 L110 100" stroke="black" stroke-width="3"/>'
    head = '<svg xmlns="http://www.w3.org/2000/svg"'
    sheets = [Sheet(f'{head} width="320" height="{h}" viewBox="0 0 320 {h}">{line}</svg>', 6.7) for h in heights]
    for drawn in pictures(sheets):
        assert drawn is not None
        with Image.open(io.BytesIO(drawn)) as image:
            dark = 255.0 - np.asarray(image.convert("L"), dtype=float)
        rows = dark[np.flatnonzero(dark.sum(axis=1) > 0)[20:-20]]
        middle = (rows * np.arange(rows.shape[1])).sum(axis=1) / rows.sum(axis=1)
        assert np.diff(middle).max() < 1.5
