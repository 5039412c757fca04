"""Make ``data_samples`` anew: generated orders, questionnaires as CSV, and the same answers as a filled workbook."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Write the three shipped companies; the result is byte-identical on every system."""
    from audit.intake.questionnaire import read_questionnaire
    from audit.present.forms import write_questionnaire
    from audit.samples.shipped import write_shipped

    folder = ROOT / "data_samples"
    write_shipped(folder)
    for answers in sorted(folder.glob("*/questionnaire")):
        write_questionnaire(answers.parent / "questionnaire.xlsx", "ru", read_questionnaire(answers))


if __name__ == "__main__":
    main()
