"""Make the shipped companies again: orders and answers as CSV, and the same answers as a filled workbook."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from audit.intake.questionnaire import read_questionnaire
from audit.present.forms import write_questionnaire
from tools.samples.shipped import write_shipped


def main(arguments: list[str]) -> int:
    """Write the samples, byte-identical on every system, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m tools.samples", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("data_samples"), help="default: %(default)s")
    folder: Path = parser.parse_args(arguments).folder
    for company in write_shipped(folder):
        made = folder / company.spec.name
        write_questionnaire(made / "questionnaire.xlsx", "ru", read_questionnaire(made / "questionnaire"))
        print(f"{made}: {len(company.orders)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
