"""Make the parts of ``docs`` that are printed from the program: settings and the catalogue of the method."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def settings_page() -> str:
    """Return docs/settings.md: the commented audit.toml of a new engagement."""
    from audit.present.forms import write_audit_toml

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.toml"
        write_audit_toml(path, "en")
        text = path.read_text(encoding="utf-8")
    return (
        "# Settings: audit.toml\n\n"
        "`km-audit new DIR` writes this file with every setting commented, in Russian or English. Command line options\n"
        "override it; an unknown key is refused with the nearest known one.\n\n"
        f"```toml\n{text.rstrip()}\n```\n"
    )


def catalogue_page() -> str:
    """Return docs/catalogue.md: every finding and metric with definition, formula, threshold and source."""
    from audit.method import method
    from audit.present.explain import need_name, threshold_line
    from audit.present.format import Fmt
    from audit.present.titles import chapter_title
    from audit.present.words import source_text

    fmt = Fmt("en", "RUB")
    m = method()
    out = [
        "# Catalogue: findings and metrics",
        "",
        "Printed from `audit/chapters/*/room.toml`; `km-audit explain ID` tells the same for one id, in Russian too.",
        "",
        "Every interval of a figure is one of 95 %: worked out this way, it holds the true figure in 19 companies of 20. What was",
        "drawn are clients (managers, days), not orders; see [the method](methods.md). A price has P10–P90 instead, “in eight",
        "cases of ten”. *price*: gain (a year), risk (chance × stake, never added to gains), none (the finding says why).",
    ]
    for chapter in m.chapters:
        out += ["", f"## {chapter_title(chapter, 'en')} (`{chapter}`)"]
        findings = m.findings_of(chapter)
        if findings:
            out += ["", "| finding | name | threshold | price | needs |", "|---|---|---|---|---|"]
            for f in findings:
                t = m.thresholds[f.id] if f.id in m.thresholds.items else None
                limit = "rule" if t is None else f"{threshold_line(t, fmt)} ({source_text(t.source, 'en')})"
                needs = "; ".join(need_name(n, "en") for n in f.needs) or "orders"
                out.append(f"| `{f.id}` | {f.en} | {limit} | {f.money} | {needs} |")
        metrics = [s for s in m.metrics.values() if s.chapter == chapter]
        if metrics:
            out += ["", "| metric | definition | formula | source |", "|---|---|---|---|"]
            for s in metrics:
                cells = (s.definition_en, s.formula, source_text(s.source, "en"))
                told = " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells)
                out.append(f"| `{s.id}` | {told} |")
    return "\n".join(out).replace(" ", " ").replace(" ", " ") + "\n"


PAGES = {"settings.md": settings_page, "catalogue.md": catalogue_page}


def main() -> None:
    """Write every printed page."""
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
