"""The report on paper: WeasyPrint where its Pango is installed, otherwise an installed browser, otherwise a clear word.

Neither engine may reach the network or the disk: WeasyPrint's fetcher knows ``data:`` only, the browser is started with
its network pointed nowhere and the document has no address in it to fetch from.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import Lang, Text

__all__ = ["PdfResult", "find_browser", "write_pdf"]


@dataclass(frozen=True)
class PdfResult:
    """What came of printing: engine used (None when the PDF could not be made), number of pages, a word to the user."""

    engine: str | None
    pages: int
    note: Text | None = None


_NO_ENGINE = Text(
    "PDF не сделан: на компьютере нет ни библиотеки Pango, ни браузера Chrome, Chromium или Edge. Отчёт report.html "
    "готов; его можно напечатать из любого браузера. Чтобы получать PDF, установите Pango (Debian/Ubuntu: apt install "
    "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; macOS: brew install pango) или один из браузеров.",
    "No PDF was made: this computer has neither the Pango library nor Chrome, Chromium or Edge. The report.html is "
    "ready and can be printed from any browser. To get a PDF, install Pango (Debian/Ubuntu: apt install libpango-1.0-0 "
    "libpangoft2-1.0-0 libharfbuzz-subset0; macOS: brew install pango) or one of these browsers.",
)


def write_pdf(html: str, path: Path, lang: Lang, *, engine: str | None = None) -> PdfResult:
    """Print the report (the ``print`` target of `build_report`) to ``path``; equal HTML gives equal bytes (WeasyPrint).

    ``engine`` "weasyprint" or "browser" insists on one; by default the first that works. Never raises for a missing
    engine: the result says what to install.
    """
    note: Text | None = None
    if engine in (None, "weasyprint"):
        try:
            data, pages = _weasyprint(html, lang)
        except OSError as e:  # Pango, its glib or harfbuzz cannot be loaded
            note = Text(f"WeasyPrint не запустился: {_first_line(e)}", f"WeasyPrint did not start: {_first_line(e)}")
        except ImportError as e:
            note = Text(f"WeasyPrint не установлен: {_first_line(e)}", f"WeasyPrint is not installed: {_first_line(e)}")
        else:
            path.write_bytes(data)  # a full disk is the caller's to tell
            return PdfResult("WeasyPrint", pages)
    if engine in (None, "browser"):
        browser = find_browser()
        if browser is not None:
            pages = _browser(html, path, browser)
            if pages:
                name = browser.stem
                said = Text(
                    f"PDF напечатан браузером ({name}): в содержании нет номеров страниц, в колонтитулах — глав.",
                    f"The PDF was printed by a browser ({name}): no page numbers in the contents, no chapter heads.",
                )
                return PdfResult(f"browser ({name})", pages, said)
            note = Text("Браузер не смог напечатать отчёт.", "The browser could not print the report.")
    path.unlink(missing_ok=True)
    return PdfResult(
        None, 0, _NO_ENGINE if note is None else Text(f"{note.ru} {_NO_ENGINE.ru}", f"{note.en} {_NO_ENGINE.en}")
    )


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


_EMBEDDED = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,([A-Za-z0-9+/]+={0,2})")
_ASIDE = "km-embedded"


def _weasyprint(html: str, lang: Lang) -> tuple[bytes, int]:
    import logging

    if sys.platform == "win32" and (Path(sys.prefix) / "conda-meta").is_dir():
        # where conda puts Pango; Windows does not search the PATH for libraries
        os.environ.setdefault("WEASYPRINT_DLL_DIRECTORIES", str(Path(sys.prefix) / "Library" / "bin"))
    with contextlib.redirect_stdout(io.StringIO()):  # without Pango it prints advice of its own; ours follows
        import weasyprint
        from weasyprint.urls import URLFetcher, URLFetcherResponse

    embedded: list[tuple[str, str]] = []

    def aside(match: re.Match[str]) -> str:
        embedded.append((match[1], match[2]))
        return f"{_ASIDE}:{len(embedded) - 1}"

    class OwnOnly(URLFetcher):  # type: ignore[misc]
        """Serves what the document itself brings, and nothing else."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if url.startswith(_ASIDE + ":"):
                kind, data = embedded[int(url.removeprefix(_ASIDE + ":"))]
                return URLFetcherResponse(url, base64.b64decode(data), {"Content-Type": kind})
            return super().fetch(url, headers)

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    fetcher = OwnOnly(allowed_protocols=("data",), fail_on_errors=False)
    # fonts and charts are most of the text: the parser of HTML would read them letter by letter
    lean = _EMBEDDED.sub(aside, html)
    # millions of small objects and no cycles to speak of: the collector would take a sixth of the time
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            # the report brings its own faces: a computer without any prints it all the same
            warnings.filterwarnings("ignore", message="No fonts configured")
            document = weasyprint.HTML(string=lean, url_fetcher=fetcher, media_type="print", base_url="data:,").render(
                optimize_images=False, pdf_tags=True
            )
            data: bytes = document.write_pdf(
                pdf_identifier=hashlib.sha256(html.encode("utf-8")).digest()[:16], pdf_tags=True, custom_metadata=False
            )
    finally:
        if collecting:
            gc.enable()
    return data, len(document.pages)


# --- an installed browser

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


def _browser(html: str, path: Path, browser: Path, timeout_s: float = 120) -> int:
    """Print with a browser; 0 pages when it failed."""
    from audit.present.html import inline_svg

    with tempfile.TemporaryDirectory(prefix=f"km-audit-{os.getpid()}-") as folder:
        page = Path(folder) / "report.html"
        out = Path(folder) / "report.pdf"
        page.write_text(inline_svg(html), encoding="utf-8")
        command = [
            str(browser),
            "--headless=new",
            "--disable-gpu",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-sync",
            "--no-pdf-header-footer",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--proxy-server=127.0.0.1:9",
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={out}",
            "--export-tagged-pdf",
            "--generate-pdf-document-outline",
        ]
        if sys.platform.startswith("linux") and hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
        command.append(page.as_uri())
        try:
            subprocess.run(command, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return 0
        if not out.is_file():
            return 0
        data = out.read_bytes()
        pages = _count_pages(data)
        if pages:
            path.write_bytes(data)
        return pages


def _count_pages(data: bytes) -> int:
    """Count pages by the page tree's /Count; at least 1 for anything that is a PDF."""
    if not data.startswith(b"%PDF"):
        return 0
    counts: list[Any] = [int(n) for n in re.findall(rb"/Type\s*/Pages[^>]*?/Count\s+(\d+)", data)]
    counts += [int(n) for n in re.findall(rb"/Count\s+(\d+)[^>]*?/Type\s*/Pages", data)]
    return max(counts, default=1)
