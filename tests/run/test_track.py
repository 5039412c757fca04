"""The track: quarter-ends, the past from the orders alone, moves in literal arithmetic, alarms, files, the command."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.cli import EXIT_ALARM, app
from audit.errors import InputError, set_language
from audit.present.track import TrackView
from audit.run.compare import Run, compare_runs
from audit.run.inputs import engagement_inputs, override
from audit.run.past import quarter_ends, read_past
from audit.run.screen import write_screen
from audit.run.track import Point, Track, alarms, track_of, write_track
from benchmarks.track import LATE, SPEC, onset_day, watch
from tests.run.test_compare import findings
from tools.samples import CompanySpec, generate, write

METRIC, CHECK = "retention.second_purchase_share", "retention.leaky_first_purchase"


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def told(day: str, share: float, status: str = "clear", **changes: Any) -> dict[str, Any]:
    """An audit as of a day: the second-purchase share ± 0.05, and the status of its check."""
    end = dt.date.fromisoformat(day)
    out = findings(**changes)
    recent = end.replace(year=end.year - 1) + dt.timedelta(1)
    out["period"] = {"start": "2020-01-01", "end": day, "as_of": day, "recent_start": recent.isoformat()}
    out["metrics"][METRIC] |= {"value": share, "low": share - 0.05, "high": share + 0.05}
    next(f for f in out["findings"] if f["id"] == CHECK)["status"] = status
    return out


def tracked(*points: Point) -> Track:
    return track_of(points, frozenset({METRIC}), frozenset({CHECK}), "en")


def quarter(day: str, share: float, status: str = "clear") -> Point:
    return Point("quarter", Run(day, told(day, share, status)))


def now(day: str, share: float, status: str = "clear", **changes: Any) -> Point:
    return Point("now", Run("now", told(day, share, status, **changes)))


def row(track: Track, id: str) -> dict[str, Any]:
    parts = [*track.content["metrics"], *track.content["findings"]]
    return dict(next(m for m in parts if m["id"] == id))


def test_quarter_ends_need_twelve_months_of_orders_behind_them() -> None:
    days = quarter_ends(dt.date(2023, 1, 1), dt.date(2024, 8, 20))
    assert days == [dt.date(2023, 12, 31), dt.date(2024, 3, 31), dt.date(2024, 6, 30)]
    assert quarter_ends(dt.date(2023, 1, 2), dt.date(2024, 8, 20))[0] == dt.date(2024, 3, 31)
    assert quarter_ends(dt.date(2023, 1, 1), dt.date(2024, 3, 31)) == [dt.date(2023, 12, 31)], "its own day is now"
    assert quarter_ends(dt.date(2024, 1, 1), dt.date(2024, 8, 20)) == []


def test_a_figure_is_held_against_the_latest_point_a_year_before() -> None:
    # 0.50 against 0.62 of 31 March 2024: -0.12 ± √(0.05² + 0.05²) = 0.0707
    done = tracked(
        quarter("2023-12-31", 0.70), quarter("2024-03-31", 0.62), quarter("2024-12-31", 0.60), now("2025-03-31", 0.50)
    )
    move = row(done, METRIC)["move"]
    assert (move["verdict"], move["against"]) == ("worse", "2024-03-31")
    assert move["delta"] == pytest.approx(-0.12)
    assert (move["delta_low"], move["delta_high"]) == pytest.approx((-0.12 - 0.0707, -0.12 + 0.0707), abs=1e-4)


def test_a_figure_that_only_the_past_had_has_no_row() -> None:
    point = quarter("2024-03-31", 0.70)
    told_now = now("2025-03-31", 0.50)
    told_now.run.findings["metrics"][METRIC] |= {"value": None, "low": None, "high": None}
    done = track_of([point, told_now], frozenset(), frozenset(), "en")  # without a value now it is not of the orders
    assert METRIC not in {m["id"] for m in done.content["metrics"]}


def test_the_verdict_says_how_many_would_move_by_chance() -> None:
    done = tracked(quarter("2024-03-31", 0.70), now("2025-03-31", 0.50))
    n, by_chance = done.content["tested"], done.content["beyond_by_chance"]
    said = str(TrackView(done.content).verdict().unescape())
    assert f"of {n} tested" in said and f"some {by_chance:g}" in said


def test_the_turn_is_the_first_of_the_unbroken_row_that_says_so() -> None:
    done = tracked(
        *(quarter(day, 0.70) for day in ("2023-06-30", "2023-09-30", "2023-12-31", "2024-03-31")),
        quarter("2024-06-30", 0.58),  # worse than 0.70, then not: a turn that did not last
        quarter("2024-09-30", 0.66),
        quarter("2024-12-31", 0.58),
        now("2025-03-31", 0.55),
    )
    assert row(done, METRIC)["move"]["since"] == "2024-12-31"
    assert row(tracked(quarter("2024-03-31", 0.5), now("2025-03-31", 0.55)), METRIC)["move"]["verdict"] == "within"
    assert row(tracked(now("2025-03-31", 0.55)), METRIC)["move"] is None


def test_without_a_year_the_earliest_point_stands_in_and_the_overlap_is_told() -> None:
    done = tracked(quarter("2024-09-30", 0.70), quarter("2024-12-31", 0.60), now("2025-03-31", 0.50))
    move = row(done, METRIC)["move"]
    assert (move["against"], move["verdict"], move["overlap"]) == ("2024-09-30", "worse", True)


def test_what_needs_the_questionnaire_is_judged_among_runs_alone() -> None:
    run = Point("run", Run("20240101T000000Z", told("2023-12-31", 0.7)))
    overload = "roles.km_overload"
    done = tracked(run, quarter("2024-12-31", 0.7), now("2025-03-31", 0.5))
    assert [p["kind"] for p in row(done, "roles.km_operational_share")["points"]] == ["run", "now"]
    assert [p["kind"] for p in row(done, METRIC)["points"]] == ["run", "quarter", "now"]
    assert row(done, METRIC)["move"]["against"] == "2024-12-31", "a figure of the orders is not judged against a run"
    assert row(done, overload)["against"] == "2023-12-31" and row(done, overload)["news"] is False


def test_the_alarms() -> None:
    newly = tracked(quarter("2024-12-31", 0.60, "watch"), now("2025-02-28", 0.58, "found"))
    assert alarms(newly, "found") == [CHECK] and alarms(newly, "worse") == []
    chronic = tracked(quarter("2024-12-31", 0.60, "found"), now("2025-02-28", 0.58, "found"))
    assert alarms(chronic, "found") == []
    worse = tracked(quarter("2023-12-31", 0.70), now("2025-02-28", 0.50))
    assert alarms(worse, "worse") == [METRIC] and alarms(worse, "found") == []
    alone = tracked(now("2025-02-28", 0.50, "found"))
    assert alarms(alone, "found") == [] and "news" not in row(alone, CHECK)
    limits = told("2024-12-31", 0.6)["thresholds"] | {
        CHECK: {"watch": 0.5, "found": 0.4, "bad": "low", "unit": "share"}
    }
    moved = Point("quarter", Run("q", told("2024-12-31", 0.60, "clear", thresholds=limits)))
    assert alarms(tracked(moved, now("2025-02-28", 0.58, "found")), "found") == [], "another limit is no change"


def test_a_change_of_the_method_between_runs_is_told_by_both() -> None:
    old = Run("20240101T000000Z", told("2023-12-31", 0.7), "1.0")
    new = Run("now", told("2025-03-31", 0.5, method=2), "2.0")
    done = tracked(Point("run", old), Point("now", new))
    assert [(c["kind"], c["old"], c["new"]) for c in done.content["changes"]] == [
        ("method", 1, 2),
        ("version", "1.0", "2.0"),
    ]
    from audit.present.compare import ComparisonView

    assert any("edition of the method changed: 1 → 2" in line for line in TrackView(done.content).warnings())
    said = ComparisonView(compare_runs(old, new).content).editions()
    assert any("edition of the method changed: 1 → 2" in line for line in said) and any("1.0 → 2.0" in s for s in said)


def test_a_run_later_than_the_orders_is_refused() -> None:
    with pytest.raises(InputError, match="newest export"):
        tracked(Point("run", Run("late", told("2025-06-30", 0.5))), now("2025-03-31", 0.5))


@pytest.mark.parametrize(("lang", "delimiter", "mark"), [("en", ",", "."), ("ru", ";", ",")])
def test_the_table_for_bi(tmp_path: Path, lang: Any, delimiter: str, mark: str) -> None:
    hostile = {"name": '</script>"; =1+1 $x$', "currency": "RUB"}
    points = [quarter("2024-12-31", 0.625), now("2025-03-31", 0.5, company=hostile)]
    done = track_of(points, frozenset({METRIC}), frozenset({CHECK}), lang)
    html, table = write_track(done, tmp_path / "out")
    assert '</script>"; =1' not in html.read_text(encoding="utf-8")
    raw = table.read_bytes()
    assert raw.startswith("\ufeff".encode()), "Excel reads Cyrillic only with a mark"
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), delimiter=delimiter))
    of = [r for r in rows if r["id"] == METRIC]
    assert [(r["as_of"], r["source"], r["value"]) for r in of] == [
        ("2024-12-31", "quarter", f"0{mark}625"),
        ("2025-03-31", "now", f"0{mark}5"),
    ]
    assert {r["source"] for r in rows if r["id"] == "roles.km_operational_share"} == {"now"}, "no past is made up"


@pytest.fixture(scope="module")
def engagement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small company of two years and a half, with a questionnaire."""
    folder = tmp_path_factory.mktemp("track") / "acme"
    write(generate(CompanySpec(name="acme", title="Acme", clients=70, years=2, seed=5, lang="en")), folder)
    return folder


@pytest.mark.slow
def test_the_past_is_what_an_audit_as_of_that_day_says(engagement: Path) -> None:
    inputs = engagement_inputs(engagement)
    current = write_screen(inputs, None)
    past = read_past(inputs, current)
    assert list(past.quarters) == [
        dt.date(2024, 12, 31),
        dt.date(2025, 3, 31),
        dt.date(2025, 6, 30),
        dt.date(2025, 9, 30),
    ]
    assert METRIC in past.metrics and "roles.km_operational_share" not in past.metrics
    assert not any(id.startswith("data.") for id in past.metrics)
    day = dt.date(2025, 6, 30)
    changes = {"period": {"as_of": day}, "company": {"sale_type": current["sale_type"]["used"]}}
    again = write_screen(
        replace(inputs, questionnaire=None, folder=None, settings=override(inputs.settings, changes)), None
    )
    assert {id: past.quarters[day]["metrics"].get(id) for id in past.metrics} == {
        id: again["metrics"].get(id) for id in past.metrics
    }
    assert past.quarters[day]["period"] == again["period"]
    computed: list[dt.date] = []
    read_past(inputs, current, computed.append)
    assert computed == [], "kept by quarter"


@pytest.mark.slow
def test_the_command(engagement: Path, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    shutil.copytree(engagement, folder)
    current = write_screen(engagement_inputs(folder), None)
    older = json.loads(json.dumps(current)) | {"method": 1}
    older["period"] |= {"as_of": "2025-06-30", "end": "2025-06-30", "recent_start": "2024-07-01"}
    for name, text in (("20250701T000000Z", json.dumps(older)), ("20250801T000000Z", "{")):
        (folder / "runs" / name).mkdir(parents=True)
        (folder / "runs" / name / "findings.json").write_text(text, encoding="utf-8")
    for lang in ("en", "ru"):
        done = CliRunner().invoke(app, ["track", str(folder), "--lang", lang])
        assert done.exit_code == 0, done.output
        assert "20250801T000000Z" in done.output, "the run that cannot be read is named"
        html = (folder / "track" / "track.html").read_text(encoding="utf-8")
        assert html.count("<svg") > 10 and not re.search(
            r"\{\{|undefined|None\b", re.sub(r"<svg.*?</svg>", "", html, flags=re.S)
        )
    told = CliRunner().invoke(app, ["track", str(folder), "--alert", "found", "--json"])
    assert told.exit_code in (0, EXIT_ALARM)
    assert (told.exit_code == EXIT_ALARM) == bool(json.loads(told.stdout)["alarms"])
    assert {c["kind"] for c in json.loads(told.stdout)["changes"]} == {"method"}


@pytest.mark.slow
def test_a_disease_that_begins_in_month_18_is_told_neither_before_nor_later_than_the_power_allows(
    tmp_path: Path,
) -> None:
    onset = onset_day(SPEC)
    days = [d for d in quarter_ends(SPEC.start, dt.date(2025, 4, 1))]
    done = watch(LATE, tmp_path / "onset", days)
    assert onset == dt.date(2024, 7, 1) and onset - dt.timedelta(1) in days
    assert [r["verdict"] for r in done.rows if r["month"] <= 0] == [None, "within", "within"], "no alarm before"
    assert done.earliest is not None and done.latest is not None and done.alarm is not None
    assert done.earliest <= done.alarm <= max(done.latest, 3), "the first quarter-end after the onset is month 3"
    last = done.rows[-1]
    assert last["since"] == "2024-09-30", "the turn"
    assert last["delta"][1] > 0 and last["status"] == "found"


def test_the_crontab_of_the_docs_holds_the_commands_that_are_tested(root: Path) -> None:
    for name in ("consultant.md", "consultant.ru.md"):
        text = (root / "docs" / name).read_text(encoding="utf-8")
        (line,) = re.findall(r"^0 7 1 \* \*  cd audits && (.*)$", text, re.MULTILINE)
        blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).splitlines()
        assert [c for c in line.split(" && ") if c not in blocks] == []
