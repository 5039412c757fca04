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
    ]
    for chapter in m.chapters:
        out += ["", f"## {chapter_title(chapter, 'en')} (`{chapter}`)"]
        findings = m.findings_of(chapter)
        if findings:
            out += ["", "| finding | name | threshold | needs |", "|---|---|---|---|"]
            for f in findings:
                limit = threshold_line(m.thresholds[f.id], fmt) if f.id in m.thresholds.items else "rule"
                needs = "; ".join(need_name(n, "en") for n in f.needs) or "orders"
                out.append(f"| `{f.id}` | {f.en} | {limit} | {needs} |")
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
