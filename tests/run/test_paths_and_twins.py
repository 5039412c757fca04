"""Whatever a folder is called, its own orders are read; whoever runs at the same moment keeps a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from audit.errors import ParameterError, set_language
from audit.intake.files import find_files
from audit.intake.orders import read_orders
from audit.run.execute import execute_notebook
from audit.run.inputs import engagement_inputs, file_inputs
from audit.run.kernels import kernel_environment
from audit.run.leftovers import PARTIAL
from audit.run.pipeline import _add_run, _target
from audit.settings import Settings

HEAD = "Дата;Клиент;Сумма\n"
posix = pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not allow")


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def engagement(folder: Path, client: str = "Свой", amount: int = 100) -> Path:
    (folder / "orders").mkdir(parents=True)
    (folder / "orders" / "o.csv").write_text(f"{HEAD}10.01.2024;{client};{amount}\n", encoding="utf-8")
    return folder


@posix
@pytest.mark.parametrize(
    "name",
    ["a [1]", "b {2024}", "c {lang}", "d*e", "f?", "g %s #", "h 'x' \"y\"", "[!a]", "{0}{}", "пробел  два", "~x"],
)
def test_a_folder_reads_its_own_orders_and_no_sibling_s(tmp_path: Path, name: str) -> None:
    for twin in ("a 1", "b", "dxe", "fa", "x"):
        engagement(tmp_path / twin, "Чужой")
    inputs = engagement_inputs(engagement(tmp_path / name))
    assert [f.path.parent.parent.name for f in find_files(inputs.orders)] == [name]


@posix
def test_patterns_of_the_settings_still_are_patterns(tmp_path: Path) -> None:
    folder = engagement(tmp_path / "a [1]")
    (folder / "orders" / "p1.csv").write_text(HEAD, encoding="utf-8")
    (folder / "audit.toml").write_text('[inputs]\norders = ["orders/p?.csv"]\n', encoding="utf-8")
    assert [f.name for f in find_files(engagement_inputs(folder).orders)] == ["p1.csv"]
    named = file_inputs(str(folder / "orders" / "o.csv"), None, None)
    assert [f.name for f in find_files(named.orders)] == ["o.csv"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="file names of any bytes")
def test_a_name_that_is_no_utf8_is_read_and_shown(tmp_path: Path) -> None:
    folder = engagement(tmp_path / "acme")
    os.rename(folder / "orders" / "o.csv", os.path.join(os.fsencode(folder / "orders"), b"\xc7\xe0\xea.csv"))
    report = read_orders(engagement_inputs(folder).orders, Settings(), None, tmp_path / "out")
    assert (report.rows_used, report.files[0].name) == (1, "\\xc7\\xe0\\xea.csv")
    json.dumps(report.as_json(), ensure_ascii=False).encode("utf-8")


def test_a_notebook_is_saved_where_it_was_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "c {lang} {0}"
    folder.mkdir()
    cells = [{"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ["1 + 1"]}]
    source = folder / "n.ipynb"
    source.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), encoding="utf-8"
    )
    done = execute_notebook("data", source, folder / "done.ipynb", {"lang": "en"})
    assert done.error is None and (folder / "done.ipynb").is_file()


def finished(folder: Path, mark: str) -> Path:
    folder.mkdir()
    (folder / "findings.json").write_text(mark, encoding="utf-8")
    return folder


def test_runs_of_one_second_all_remain(tmp_path: Path) -> None:
    stages = [finished(tmp_path / f"s{i}", str(i)) for i in range(8)]
    placed: list[Path] = []
    threads = [
        threading.Thread(target=lambda s=s: placed.append(_add_run(s, tmp_path / "20240101T000000Z"))) for s in stages
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted((p / "findings.json").read_text(encoding="utf-8") for p in placed) == [str(i) for i in range(8)]
    assert {p.name for p in placed} == {"20240101T000000Z", *(f"20240101T000000Z-{n}" for n in range(2, 9))}


def test_a_folder_that_another_run_writes_is_refused(tmp_path: Path) -> None:
    inputs = engagement_inputs(engagement(tmp_path / "acme"))
    other = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        (tmp_path / f"{PARTIAL}out-{other.pid}").mkdir()
        with pytest.raises(ParameterError, match="Another run"):
            _target(inputs, tmp_path / "out")
        assert _target(inputs, tmp_path / "out-2")[0].name == "out-2"
    finally:
        assert other.stdin is not None
        other.stdin.close()
        other.wait()
    assert _target(inputs, tmp_path / "out")[0] == tmp_path / "out", "whoever made it is gone"


def km_audit(*words: object, **how: object) -> subprocess.CompletedProcess[str]:
    env = kernel_environment() | {"KM_AUDIT_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "audit", *map(str, words)], env=env, text=True, encoding="utf-8", **how
    )  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("out") / "o.csv"
    rows = "".join(f"{1 + i % 28:02d}.{1 + i // 28 % 12:02d}.2024;К{i % 7};{100 + i}\n" for i in range(300))
    path.write_text(HEAD + rows, encoding="utf-8")
    return path


@posix
def test_out_into_a_pipe_and_through_a_link(tmp_path: Path, orders: Path) -> None:
    fifo, link, kept, dangling = (tmp_path / n for n in ("fifo", "link.json", "kept.json", "dangling.json"))
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE, text=True, encoding="utf-8") as reader:
        done = km_audit("screen", "--orders", orders, "--out", fifo, capture_output=True)
        told = reader.communicate(timeout=30)[0]
    assert done.returncode == 0 and fifo.is_fifo() and json.loads(told)["schema"] == "km-audit/1"
    kept.write_text("{}", encoding="utf-8")
    link.symlink_to(kept)
    dangling.symlink_to(tmp_path / "nowhere.json")
    for out in (link, dangling):
        assert km_audit("screen", "--orders", orders, "--out", out, capture_output=True).returncode == 0
        assert out.is_symlink() and json.loads(out.read_text(encoding="utf-8"))["schema"] == "km-audit/1"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has the full device")
def test_output_that_is_full_or_closed(orders: Path) -> None:
    with open("/dev/full", "w") as full:
        done = km_audit("screen", "--orders", orders, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and "No space left" in done.stderr and "Traceback" not in done.stderr
    command = f"'{sys.executable}' -m audit screen --orders '{orders}'"
    for shell, code in ((f"{command} >&-", 0), (f"{command} | true; exit ${{PIPESTATUS[0]}}", 1)):
        env = kernel_environment() | {"KM_AUDIT_LANG": "en"}
        closed = subprocess.run(["bash", "-c", shell], env=env, stderr=subprocess.PIPE, text=True)
        assert closed.returncode == code and "Traceback" not in closed.stderr and "Exception" not in closed.stderr
