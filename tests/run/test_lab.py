"""JupyterLab on an engagement: copies, whose edits are kept, what a run executes, a real server and a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from audit.errors import InputError, set_language
from audit.resources import resource_dir
from audit.run.inputs import Inputs, engagement_inputs, file_inputs
from audit.run.kernels import kernel_environment
from audit.run.lab import START, WORKBENCH, fill_parameters, kernel_path, make_copies, open_lab, own_notebooks, run_of
from audit.run.notebooks import NOTEBOOKS, built_chapters
from audit.run.pipeline import run_audit
from tests.present.browsing import find_browser
from tests.run.processes import children, outliving

SAMPLE = resource_dir("data_samples") / "khimsnab"


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def engagement(folder: Path) -> Inputs:
    (folder / "orders").mkdir(parents=True)
    lines = ["order_id;order_date;client_id;amount"]
    lines += [f"{i};2024-{1 + i % 12:02d}-{1 + i % 27:02d};C{i % 9};{100 + i}" for i in range(60)]
    (folder / "orders" / "o.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "audit.toml").write_text('[company]\nname = "Acme"\n[report]\nlang = "en"\n', encoding="utf-8")
    return engagement_inputs(folder)


def cells(path: Path) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(nbformat.read(path, as_version=4).cells)


def add_cell(path: Path, source: str, **metadata: Any) -> None:
    nb = json.loads(path.read_text(encoding="utf-8"))
    nb["cells"].append(
        {
            "cell_type": "code",
            "id": "added",
            "metadata": metadata,
            "execution_count": None,
            "outputs": [],
            "source": source.splitlines(keepends=True),
        }
    )
    path.write_text(json.dumps(nb, ensure_ascii=False, indent=1), encoding="utf-8")


def test_parameters_are_filled_and_their_remarks_stay() -> None:
    source = "# head\norders = None         # what: a file\nlang = None  # ru or en\nother = 5"
    assert fill_parameters(source, {"orders": ["../o/*", 'a "b" Ё'], "lang": None}) == (
        '# head\norders = ["../o/*", "a \\"b\\" Ё"]         # what: a file\nlang = None  # ru or en\nother = 5'
    )


def test_copies_are_made_filled_and_renewed_but_never_over_edits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = engagement(tmp_path / "acme")
    first = make_copies(inputs)
    names = [START, WORKBENCH, *(f"{NOTEBOOKS[c]}.ipynb" for c in ("summary", *built_chapters()))]
    assert sorted(first.made) == sorted(names)
    assert make_copies(inputs) == type(first)(first.folder), "nothing to do the second time"
    copy = first.folder / "40_retention.ipynb"
    filled = next(c.source for c in cells(copy) if "parameters" in c.metadata.get("tags", []))
    for line in ('orders = ["../orders/*"]', 'settings = "../audit.toml"', 'lang = "en"', "questionnaire = None"):
        assert line in filled, line
    assert own_notebooks(inputs.folder) == {}, "a copy that nobody edited is not executed instead of the kit's"

    # the engagement gets a questionnaire: unedited copies follow, an edited one stays
    add_cell(first.folder / "10_data.ipynb", "print('mine')")
    before = (first.folder / "10_data.ipynb").read_bytes()
    shutil.copytree(SAMPLE / "questionnaire", tmp_path / "acme" / "questionnaire")
    inputs = engagement_inputs(tmp_path / "acme")
    second = make_copies(inputs)
    assert second.made == () and second.edited == ("10_data.ipynb",) and second.outdated == ()
    assert sorted(second.renewed) == sorted(set(names) - {"10_data.ipynb", START})
    assert 'questionnaire = "../questionnaire"' in copy.read_text(encoding="utf-8").replace('\\"', '"')
    assert (first.folder / "10_data.ipynb").read_bytes() == before

    # outputs alone are no edit
    nb = json.loads(copy.read_text(encoding="utf-8"))
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 1
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["x"]}]
    copy.write_text(json.dumps(nb), encoding="utf-8")
    assert set(own_notebooks(inputs.folder)) == {"data"}

    # the kit moves on
    kit = tmp_path / "kit" / "notebooks"
    shutil.copytree(resource_dir("notebooks"), kit)
    add_cell(kit / "10_data.ipynb", "1")
    monkeypatch.setattr("audit.run.lab.resource_dir", lambda _: kit)
    third = make_copies(inputs)
    assert third.outdated == ("10_data.ipynb",)
    assert own_notebooks(inputs.folder)["data"].outdated


def test_copies_speak_the_language_of_the_engagement(tmp_path: Path) -> None:
    inputs = engagement(tmp_path / "acme")
    toml = tmp_path / "acme" / "audit.toml"
    toml.write_text('[report]\nlang = "ru"\n', encoding="utf-8")
    folder = make_copies(engagement_inputs(tmp_path / "acme")).folder
    head, parameters = cells(folder / "40_retention.ipynb")[:2]
    assert head.source.startswith("# Удержание клиентов") and "ru" not in head.metadata
    assert 'orders = ["../orders/*"]  # заказы:' in parameters.source and "1–3650" in parameters.source
    toml.write_text('[report]\nlang = "en"\n', encoding="utf-8")
    assert "40_retention.ipynb" in make_copies(engagement_inputs(tmp_path / "acme")).renewed
    assert cells(folder / "40_retention.ipynb")[0].source.startswith("# Client retention")
    assert own_notebooks(inputs.folder) == {}


def test_without_a_folder_there_is_no_lab(tmp_path: Path) -> None:
    inputs = engagement(tmp_path / "acme")
    with pytest.raises(InputError, match="folder"):
        make_copies(file_inputs(inputs.orders, None, None))


def test_a_run_executes_the_edited_copy_and_says_so(tmp_path: Path) -> None:
    inputs = engagement(tmp_path / "acme")
    copies = make_copies(inputs)
    add_cell(copies.folder / "10_data.ipynb", "print('seen by', len('the executive'), 'eyes')")
    add_cell(copies.folder / "00_summary.ipynb", "print('private remark')", tags=["internal"])
    result = run_audit(inputs, chapters=["data"])
    assert result.failed == ()
    html = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "seen by 13 eyes" in html
    assert "private remark" not in html
    assert any("10_data.ipynb" in str(n) for n in result.notes)
    told = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))["own_notebooks"]
    assert set(told) == {"10_data.ipynb", "00_summary.ipynb"}

    # the executed notebook can be run again where it lies, and changes nothing of the run
    executed = result.folder / "notebooks" / "10_data.ipynb"
    injected = next(c.source for c in cells(executed) if "injected-parameters" in c.metadata.get("tags", []))
    assert ".km-audit-partial" not in executed.read_text(encoding="utf-8")
    assert "out" not in re.findall(r"^(\w+) =", injected, re.M)
    before = (result.folder / "findings.json").read_bytes()
    nb = run_all(executed)
    assert not [o for c in nb.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert (result.folder / "findings.json").read_bytes() == before


def run_all(notebook: Path) -> Any:
    """Run All as JupyterLab would: the kernel «python3» of ``kernel_path``, in the notebook's own folder."""
    from nbclient import NotebookClient

    with kernel_path() as kernels, pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("JUPYTER_PATH", str(kernels))
        nb = nbformat.read(notebook, as_version=4)
        client = NotebookClient(
            nb, kernel_name="python3", resources={"metadata": {"path": str(notebook.parent)}}, allow_errors=True
        )
        client.execute()
        nbformat.write(nb, notebook)
    return nb


def test_lab_opens_the_notebooks_of_a_finished_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = engagement(tmp_path / "acme")
    result = run_audit(inputs, chapters=["data"])
    alone = run_audit(inputs, tmp_path / "alone", chapters=["data"])
    asked: list[list[str]] = []

    class Server:
        def __init__(self, command: list[str], env: dict[str, str]) -> None:
            asked.append(command)

        def wait(self) -> int:
            return 0

        def poll(self) -> int:
            return 0

    monkeypatch.setattr("audit.run.lab.subprocess.Popen", Server)
    for given, first in (
        (result.folder, f"runs/{result.folder.name}/notebooks/00_summary.ipynb"),
        (tmp_path / "acme" / "runs" / "latest", f"runs/{result.folder.name}/notebooks/00_summary.ipynb"),
        (tmp_path / "acme", "notebooks/start.ipynb"),
    ):
        assert open_lab(given, browser=False) == 0
        command = asked.pop()
        assert f"--LabApp.default_url=/lab/tree/{first}" in command
        assert f"--ServerApp.root_dir={tmp_path / 'acme'}" in command
    assert run_of(tmp_path / "acme") is None
    open_lab(alone.folder, browser=False)
    assert f"--ServerApp.root_dir={tmp_path / 'alone'}" in asked.pop()


# --- a real server


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Served:
    """A running ``km-audit lab``."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder.parent / "lab.log"
        env = kernel_environment() | {"KM_AUDIT_LANG": "en", "PYTHONIOENCODING": "utf-8"}
        with self.log.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "audit", "lab", str(folder), "--no-browser", "--port", str(self.port)],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=env,
                cwd=resource_dir("notebooks").parent,
            )
        self.token = self._token()

    def _token(self) -> str:
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"token=([0-9a-f]+)", self.log.read_text(encoding="utf-8", errors="replace"))
            if found:
                return found[1]
            time.sleep(0.2)
        raise AssertionError(self.log.read_text(encoding="utf-8", errors="replace"))

    def get(self, path: str, token: bool = True) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}?token={self.token}"

    def stop(self) -> None:
        """Ask the server to end, as a user's Ctrl-C or a closed terminal does; its kernels must go with it."""
        family = children(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        left = outliving(family, 60)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert left == [], "the server or its kernels outlive km-audit lab"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engagement folder with the bundled sample."""
    folder = tmp_path_factory.mktemp("lab") / "acme"
    folder.mkdir()
    for part in ("orders", "questionnaire"):
        shutil.copytree(SAMPLE / part, folder / part)
    (folder / "audit.toml").write_text('[report]\nlang = "en"\n', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def served(sample: Path) -> Iterator[Served]:
    server = Served(sample)
    yield server
    server.stop()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a console program cannot be asked to end politely on Windows")
def test_the_server_lists_the_notebooks_and_its_kernel_runs_them(served: Served, sample: Path) -> None:
    with pytest.raises(urllib.error.HTTPError):
        served.get("/api/contents/notebooks", token=False)
    listed = {c["name"] for c in served.get("/api/contents/notebooks")["content"]}
    assert {f"{NOTEBOOKS[c]}.ipynb" for c in ("summary", *built_chapters())} <= listed
    kernel = served.get("/api/kernelspecs")["kernelspecs"]["python3"]["spec"]
    assert kernel["argv"][0] == sys.executable
    nb = run_all(sample / "notebooks" / "40_retention.ipynb")
    outputs = [o for c in nb.cells for o in c.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error"]
    assert any("km-section" in str(o.get("data", {}).get("text/html", "")) for o in outputs)
    assert own_notebooks(sample) == {}, "running a copy is no edit"


def until(page: Any, holds: Callable[[], bool], what: str) -> None:
    """Wait for something outside the page to be so, while the page goes on."""
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end, what
        page.wait_for_timeout(100)


def choose(page: Any, menu: str, item: str) -> None:
    """Choose an item of JupyterLab's menu bar."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}")).first.click()


def run_new_cell(page: Any, source: str) -> None:
    """Add a code cell below the selected one, type into it and run it; it is the selected one then."""
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.wait_for_selector(".jp-Notebook.jp-mod-editMode .jp-Cell.jp-mod-active .cm-focused")
    page.keyboard.type(source)
    page.keyboard.press("Control+Enter")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(os.name == "nt", reason="a console program cannot be asked to end politely on Windows")
def test_in_a_browser_run_all_add_cells_save_render(served: Served, sample: Path) -> None:
    browser = find_browser()
    if browser is None:
        # CI installs one; a person need not have it to run the other tests
        pytest.skip("no Chromium, Chrome or Edge")
    sync = pytest.importorskip("playwright.sync_api")
    result = run_audit(engagement_inputs(sample), chapters=["retention"])
    notebook = result.folder / "notebooks" / "40_retention.ipynb"
    code = sum(c.cell_type == "code" and bool(c.source.strip()) for c in cells(notebook))
    with sync.sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=str(browser), args=["--no-sandbox"])
        page = chrome.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(served.url(f"/lab/tree/{notebook.relative_to(sample).as_posix()}"))
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_selector("#jp-main-statusbar >> text=/Idle/")
        # what the run left behind goes first: any number beside a cell is then of this very Run All
        choose(page, "Edit", "Clear Outputs of All Cells")
        numbers = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"\[\d+\]"))
        until(page, lambda: numbers.count() == 0, "outputs are cleared")
        choose(page, "Run", "Run All Cells")
        until(page, lambda: numbers.count() == code, "every cell has run")
        assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
        page.locator(".jp-Notebook .jp-Cell").last.click()
        run_new_cell(page, "print('added in a', 'browser')")
        page.wait_for_selector(".jp-OutputArea-output:has-text('added in a browser')")
        run_new_cell(page, "print('for the analyst', 'alone')")
        page.wait_for_selector(".jp-OutputArea-output:has-text('for the analyst alone')")
        page.get_by_role("tab", name="Property Inspector").click()
        page.locator(".jp-Collapser-title", has_text="Common Tools").click()
        page.locator("input.jp-CellTags-Add").click()
        page.keyboard.type("internal")
        page.keyboard.press("Enter")
        page.locator(".jp-Notebook .jp-Cell").last.click()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+s")
        until(page, lambda: "'alone'" in notebook.read_text(encoding="utf-8"), "the notebook is saved")
        chrome.close()
    saved = cells(notebook)
    assert [c.metadata.get("tags") for c in saved[-2:]] in ([None, ["internal"]], [[], ["internal"]])
    assert not [o for c in saved for o in c.get("outputs", []) if o.output_type == "error"]
    done = subprocess.run(
        [sys.executable, "-m", "audit", "render", str(result.folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        cwd=resource_dir("notebooks").parent,
        env=kernel_environment() | {"KM_AUDIT_LANG": "en", "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    report = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "added in a browser" in report
    assert "for the analyst" not in report
