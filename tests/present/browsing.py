"""A report in an installed Chromium without a network: what it says and asks for is kept, axe-core judges it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "chrome")


def find_browser() -> Path | None:
    """Return an installed Chromium, Chrome or Edge, or None; ``KM_AUDIT_BROWSER`` names one."""
    named = os.environ.get("KM_AUDIT_BROWSER")
    if named is not None:
        return Path(named) if named and Path(named).is_file() else None
    return next((p for p in _candidates() if p.is_file()), None)


def _candidates() -> Iterator[Path]:
    if sys.platform == "darwin":
        for app in ("Google Chrome", "Microsoft Edge", "Chromium"):
            for root in (Path("/Applications"), Path.home() / "Applications"):
                yield root / f"{app}.app" / "Contents" / "MacOS" / app
    if sys.platform == "win32":
        roots = [os.environ.get(k) for k in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        for tail in (
            "Microsoft/Edge/Application/msedge.exe",
            "Google/Chrome/Application/chrome.exe",
            "Chromium/Application/chrome.exe",
        ):
            yield from (Path(r) / tail for r in roots if r)
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            yield Path(found)


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the installed browser; the test is skipped where there is none."""
    sync = pytest.importorskip("playwright.sync_api")
    program = find_browser()
    if program is None:
        # CI installs one; a person need not have it to run the other tests
        pytest.skip("no Chromium, Chrome or Edge is installed")
    with sync.sync_playwright() as play:
        started = play.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def opened(browser: Any, report: Path, width: int = 1440) -> Iterator[Any]:
    """Open a report; at the end it must have said nothing, asked for nothing and run nothing foreign."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    tab = context.new_page()
    tab.said = []
    tab.on("console", lambda m: tab.said.append(m.text))
    tab.on("pageerror", lambda e: tab.said.append(str(e)))
    tab.on("dialog", lambda d: (tab.said.append("dialog"), d.dismiss()))
    tab.on("request", lambda r: None if r.url.startswith(("data:", "file:")) else tab.said.append(r.url))
    tab.goto(report.as_uri())
    yield tab
    assert tab.said == []
    assert tab.title() != "hacked"
    context.close()


def axe_violations(page: Any, least: int = 21) -> list[str]:
    """Return what axe-core finds serious or critical, each with the first element concerned.

    ``least``: so many rules must have had something to look at.
    """
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    told = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(told["passes"]) >= least, "axe-core has looked at the page"
    return [
        f"{v['impact']}: {v['id']}: {v['nodes'][0]['html'][:200]}"
        for v in told["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def tab_until(page: Any, condition: str, most: int = 400) -> None:
    """Press Tab, as someone without a mouse must, until the focused element ``e`` fulfils a condition."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"(() => {{ const e = document.activeElement; return !!({condition}); }})()"):
            return
    raise AssertionError(f"the keyboard does not reach: {condition}")
