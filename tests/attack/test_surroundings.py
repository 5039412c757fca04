"""What surrounds the files: pipes and devices, a disk that fills, files that change, a clock set back, hostile names."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from audit.errors import InputError, NothingUsableError, set_language
from audit.resources import PACKAGE
from audit.run import prepare as prepared
from audit.run.check import check_inputs, write_page
from audit.run.inputs import engagement_inputs, file_inputs
from audit.run.pipeline import _free, _point_latest
from tests.intake.dialects.disguises import write_xlsx
from tests.intake.reading import read, refuses
from tests.present.browsing import chromium, opened

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")
HEAD = ["Номер", "Дата", "Клиент", "Сумма"]


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def rows(n: int = 60) -> list[list[object]]:
    return [[f"N{i}", dt.date(2024, 1 + i % 12, 1 + i % 28), f"Клиент {i % 7}", 100 + i * 37 % 991] for i in range(n)]


def engagement(folder: Path, n: int = 60) -> Path:
    (folder / "orders").mkdir(parents=True)
    body = "\n".join(";".join(map(str, r)) for r in (HEAD, *rows(n))) + "\n"
    (folder / "orders" / "o.csv").write_text(body, encoding="utf-8")
    return folder


@posix
def test_pipes_and_devices_beside_the_orders_are_no_orders(tmp_path: Path) -> None:
    folder = engagement(tmp_path / "acme")
    os.mkfifo(folder / "orders" / "p.csv")
    (folder / "orders" / "z.csv").symlink_to("/dev/zero")
    assert read(folder / "orders", tmp_path / "out").report.rows_used == 60
    for named in (folder / "orders" / "p.csv", Path("/dev/zero")):
        with pytest.raises(InputError, match="No orders file found"):
            read(named, tmp_path / "out")
        with pytest.raises(InputError, match="Questionnaire not found"):  # it would be read without end
            file_inputs(str(folder / "orders"), named, None)
    os.mkfifo(folder / "questionnaire.xlsx")
    assert engagement_inputs(folder).questionnaire is None


@pytest.mark.parametrize("how", ["longer", "shorter", "gone"])
def test_orders_that_change_while_they_are_read(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = engagement(tmp_path / "acme")
    path = folder / "orders" / "o.csv"
    real = prepared.read_orders

    def slowly(*args: object, **options: object) -> object:
        done = real(*args, **options)  # type: ignore[arg-type]
        if how == "gone":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes() * 2 if how == "longer" else path.read_bytes()[:500])
        return done

    monkeypatch.setattr(prepared, "read_orders", slowly)
    with refuses(InputError, "Files changed while they were read"):
        check_inputs(engagement_inputs(folder))
    assert list((folder / ".km-audit" / "prepared").iterdir()) == []


@posix
def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk: the first write beyond it fails."""
    folder = engagement(tmp_path / "acme", 20_000)
    code = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.argv = ["km-audit", "check", {str(folder)!r}, "--lang", "en"]
from audit.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=PACKAGE.parent,
        timeout=240,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "The file system refused" in done.stderr and "free space" in done.stderr
    assert list((folder / ".km-audit" / "prepared").iterdir()) == [] and not (folder / "check.html").exists()


def test_a_clock_set_back(tmp_path: Path) -> None:
    folder = engagement(tmp_path / "acme")
    with refuses(NothingUsableError, "the date is in the future"):
        read(folder / "orders", tmp_path / "out", today=dt.date(1970, 1, 1))
    runs = folder / "runs"
    runs.mkdir()
    for name in ("20261130T120000Z", "19700101T000000Z"):  # the second run is the newer one, whatever its name
        final = _free(runs / name)
        final.mkdir(parents=True)
        _point_latest(final)
    latest = runs / "latest"
    told = latest.resolve().name if latest.exists() else (runs / "latest.txt").read_text(encoding="utf-8").strip()
    assert told == "19700101T000000Z"


ATTACK = "<img src=x onerror=\"document.title='hacked'\">"
SHEET = "<img src=x onerror=a(1)>'&\""


@pytest.mark.browser
@pytest.mark.parametrize("usable", [True, False])
def test_names_of_files_sheets_and_columns_do_nothing_on_the_page_of_the_check(usable: bool, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    (folder / "orders").mkdir(parents=True)
    body: list[list[object]] = [[*HEAD, ATTACK, "=cmd|' /C calc'!A1"], *([*r, ATTACK, "{{ 7*7 }}"] for r in rows())]
    body[5][3] = f"{ATTACK};=2+5"
    body[6][1] = "</script><script>document.title='hacked'</script>"
    if not usable:
        body = [[*HEAD[:2], ATTACK], *([r[0], ATTACK, ATTACK] for r in rows())]
    name = "<img src=x onerror=alert(1)> '&\" {{ 1 }}.xlsx" if sys.platform != "win32" else "'& {{ 1 }}.xlsx"
    write_xlsx(folder / "orders" / name, {SHEET: body, f"{SHEET[:-1]}2": [[ATTACK]]})
    if usable:
        page = write_page(check_inputs(engagement_inputs(folder)), folder)
    else:
        with pytest.raises(InputError):
            check_inputs(engagement_inputs(folder))
        subprocess.run(
            [sys.executable, "-m", "audit", "check", str(folder), "--lang", "en"],
            cwd=PACKAGE.parent,
            capture_output=True,
            timeout=240,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        )
        page = folder / "check.html"
    with chromium() as browser, opened(browser, page) as tab:
        shown = tab.inner_text("body")
        assert "onerror=" in shown
        assert tab.locator("img:not([src^='data:'])").count() == 0
        tab.set_viewport_size({"width": 360, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
