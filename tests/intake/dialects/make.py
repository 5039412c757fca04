"""Write every disguise into a folder, to look at them: ``python -m tests.intake.dialects.make [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.intake.dialects.disguises import DISGUISES


def main() -> None:
    base = Path(sys.argv[1] if len(sys.argv) > 1 else "dialects")
    for disguise in DISGUISES:
        folder = base / disguise.name
        folder.mkdir(parents=True, exist_ok=True)
        disguise.write(folder)
        print(folder)


if __name__ == "__main__":
    main()
