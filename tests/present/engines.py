"""Three browsers behind one small door: Chromium by playwright, Firefox by WebDriver BiDi, WebKit by WebDriver.

A form must work in whatever the person has. Each engine is the one that the system has installed; where it is missing
the test skips and says so. `Tab` is what a test needs: open, look, tap, fill, reload.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.present.browsing import find_browser

ENGINES = ("chromium", "firefox", "webkit")


class Tab(Protocol):
    """A page in a browser."""

    def open(self, page: Path) -> None: ...
    def js(self, body: str) -> Any:
        """Run the body of a function in the page and return what it returns."""

    def tap(self, selector: str) -> None: ...
    def reload(self) -> None: ...
    def picture(self, path: Path) -> None: ...


def fill(tab: Tab, selector: str, value: str) -> None:
    """Put a value into a field as typing would end."""
    tab.js(
        f"const e = document.querySelector({json.dumps(selector)}); e.value = {json.dumps(value)};"
        "for (const k of ['input', 'change']) e.dispatchEvent(new Event(k, {bubbles: true}));"
    )


def set_clock(tab: Tab, iso: str) -> None:
    """Let the page's clock stand at a local time."""
    tab.js(
        "window.__real = window.__real || Date;"
        f"const t = new __real('{iso}').getTime();"
        "window.Date = class extends __real { constructor(...a) { if (a.length) super(...a); else super(t); }"
        " static now() { return t; } };"
    )


@contextmanager
def tab(engine: str, folder: Path, width: int, height: int = 760) -> Iterator[Tab]:
    """Open an empty tab of an engine; what it downloads and, but for WebKit, what it keeps goes to ``folder``."""
    with {"chromium": _chromium, "firefox": _firefox, "webkit": _webkit}[engine](folder, width, height) as opened:
        yield opened


# --- Chromium


class _Playwright:
    def __init__(self, page: Any) -> None:
        self.page = page

    def open(self, page: Path) -> None:
        self.page.goto(page.as_uri())

    def js(self, body: str) -> Any:
        return self.page.evaluate(f"() => {{ {body} }}")

    def tap(self, selector: str) -> None:
        self.page.click(selector)

    def reload(self) -> None:
        self.page.reload()

    def picture(self, path: Path) -> None:
        self.page.screenshot(path=path)


@contextmanager
def _chromium(folder: Path, width: int, height: int) -> Iterator[Tab]:
    sync = pytest.importorskip("playwright.sync_api")
    program = find_browser()
    if program is None:
        # CI installs all three browsers; a person need not have them to run the other tests
        pytest.skip("no Chromium, Chrome or Edge is installed")
    with sync.sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            folder / "chromium",
            executable_path=str(program),
            args=["--no-sandbox"],
            viewport={"width": width, "height": height},
            offline=True,
            has_touch=width < 500,
        )
        page = context.pages[0]
        said: list[str] = []
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda e: said.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "blob:")) else said.append(r.url))
        page.on("download", lambda d: d.save_as(folder / d.suggested_filename))
        yield _Playwright(page)
        assert said == []
        context.close()


# --- Firefox


class _Bidi:
    """WebDriver BiDi over its websocket: commands, one after another."""

    def __init__(self, address: str) -> None:
        import websocket

        self.socket = websocket.create_connection(address, timeout=60, suppress_origin=True)
        self.last = 0

    def send(self, method: str, **params: Any) -> Any:
        self.last += 1
        self.socket.send(json.dumps({"id": self.last, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.last:
                assert answer["type"] == "success", answer
                return answer["result"]


class _Firefox:
    def __init__(self, bidi: _Bidi, context: str) -> None:
        self.bidi, self.context = bidi, context

    def open(self, page: Path) -> None:
        self.bidi.send("browsingContext.navigate", context=self.context, url=page.as_uri(), wait="complete")

    def js(self, body: str) -> Any:
        done = self.bidi.send(
            "script.evaluate",
            expression=f"JSON.stringify([(() => {{ {body} }})()])",
            target={"context": self.context},
            awaitPromise=False,
        )
        assert done["type"] == "success", done
        return json.loads(done["result"]["value"])[0]

    def tap(self, selector: str) -> None:
        x, y = self.js(
            f"const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2];"
        )
        steps = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        finger = {
            "type": "pointer",
            "id": "finger",
            "parameters": {"pointerType": "touch" if self.narrow() else "mouse"},
            "actions": steps,
        }
        self.bidi.send("input.performActions", context=self.context, actions=[finger])

    def narrow(self) -> bool:
        return bool(self.js("return innerWidth < 500"))

    def reload(self) -> None:
        self.bidi.send("browsingContext.reload", context=self.context, wait="complete")

    def picture(self, path: Path) -> None:
        shot = self.bidi.send("browsingContext.captureScreenshot", context=self.context)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def _firefox(folder: Path, width: int, height: int) -> Iterator[Tab]:
    pytest.importorskip("websocket")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        # as above: CI has it
        pytest.skip("no Firefox is installed")
    profile = folder / "firefox"
    profile.mkdir(exist_ok=True)
    settings: dict[str, Any] = {
        "browser.download.folderList": 2,
        "browser.download.dir": str(folder),
        "browser.shell.checkDefaultBrowser": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "network.dns.disabled": True,
    }
    (profile / "user.js").write_text(
        "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in settings.items())
    )
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with (folder / "firefox.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(folder)}
        )
    bidi = None
    try:
        address = _said(folder / "firefox.log", "WebDriver BiDi listening on ", process)
        bidi = _Bidi(f"{address}/session")
        bidi.send("session.new", capabilities={})
        context = bidi.send("browsingContext.getTree")["contexts"][0]["context"]
        bidi.send("browsingContext.setViewport", context=context, viewport={"width": width, "height": height})
        yield _Firefox(bidi, context)
        bidi.send("browser.close")
        process.wait(timeout=60)
    finally:
        if bidi is not None:
            bidi.socket.close()
        process.kill()
        process.wait()


def _said(log: Path, mark: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        for line in log.read_text(errors="replace").splitlines():
            if mark in line:
                return line.partition(mark)[2].strip()
        if process.poll() is not None and "snap" in log.read_text(errors="replace"):
            # Ubuntu's own Firefox may not write outside its folders, so no profile of ours can be opened; CI takes Debian's
            pytest.skip("Firefox is a snap, which cannot be started here")
        assert process.poll() is None, log.read_text(errors="replace")
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


# --- WebKit


class _Webkit:
    def __init__(self, address: str) -> None:
        self.address = address

    def send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=90) as answer:
            return json.loads(answer.read())["value"]

    def open(self, page: Path) -> None:
        self.send("POST", "/url", {"url": page.as_uri()})

    def js(self, body: str) -> Any:
        return self.send("POST", "/execute/sync", {"script": body, "args": []})

    def tap(self, selector: str) -> None:
        self.js(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center', behavior: 'instant'}})"
        )
        found = self.send("POST", "/element", {"using": "css selector", "value": selector})
        self.send("POST", f"/element/{next(iter(found.values()))}/click", {})

    def reload(self) -> None:
        self.send("POST", "/refresh", {})

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("GET", "/screenshot")))


@contextmanager
def _webkit(folder: Path, width: int, height: int) -> Iterator[Tab]:
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    if driver is None or screen is None:
        # as above: CI has both; Windows and macOS have no such driver
        pytest.skip("no WebKitWebDriver, or no Xvfb to show it on, is installed")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # a container has no right to make one; the page is our own
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    with (folder / "webkit.log").open("w") as log:
        shown = subprocess.Popen(
            [screen, "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert shown.stdout is not None
        environment["DISPLAY"] = f":{shown.stdout.readline().decode().strip()}"
        port = _free_port()
        process = subprocess.Popen([driver, f"--port={port}"], stdout=log, stderr=log, env=environment)
    server = _Webkit(f"http://127.0.0.1:{port}")
    session = ""
    try:
        for _ in range(100):
            try:
                server.send("GET", "/status")
                break
            except OSError:
                time.sleep(0.1)
        session = server.send("POST", "/session", {"capabilities": {}})["sessionId"]
        opened = _Webkit(f"{server.address}/session/{session}")
        opened.send("POST", "/window/rect", {"x": 0, "y": 0, "width": width, "height": height})
        yield opened
    finally:
        if session:
            server.send("DELETE", f"/session/{session}")
        for started in (process, shown):
            started.kill()
            started.wait()
        shown.stdout.close()


def _free_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
