"""Make the shipped companies again: ``python -m audit.samples [FOLDER]`` (default: ``data_samples`` here)."""

from __future__ import annotations

import sys
from pathlib import Path

from audit.samples.shipped import write_shipped


def main(arguments: list[str]) -> int:
    """Write the samples and say what was written."""
    folder = Path(arguments[0]) if arguments else Path("data_samples")
    for company in write_shipped(folder):
        print(f"{folder / company.spec.name}: {len(company.orders)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
