"""`km-audit render` says what stands in the notebooks and not in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from audit.errors import set_language
from audit.run.rendering import render_again
from tests.present.run_folder import write_run


def code(source: str, *outputs: dict[str, Any], count: int | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"x{abs(hash(source)) % 10**8}",
        "source": source,
        "metadata": metadata,
        "outputs": list(outputs),
        "execution_count": count,
    }


def test_cells_that_never_ran_and_outputs_no_page_shows_are_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", "en")
    path = run / "notebooks" / "40_retention.ipynb"
    nb = json.loads(path.read_text(encoding="utf-8"))
    before = sum(c["cell_type"] == "code" for c in nb["cells"])
    shown = {"output_type": "stream", "name": "stdout", "text": "seen by the executive"}
    nb["cells"] += [
        code("mine = 1\nmine"),
        code("print('seen')", shown, count=7),
        code("later = 2", internal=True, tags=["internal"]),
        code("'no output is no omission'\nx = 1", count=8),
        code("warn()", {"output_type": "stream", "name": "stderr", "text": "careful"}, count=9),
        code(
            "vega",
            {"output_type": "display_data", "data": {"application/vnd.vega.v5+json": {}}, "metadata": {}},
            count=10,
        ),
    ]
    path.write_text(json.dumps(nb), encoding="utf-8")
    (run / "notebooks" / "95_mine.ipynb").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    set_language("en")
    notes = [n.en for n in render_again(run).notes]
    told = [n for n in notes if n.startswith("40_retention.ipynb")]
    assert [n.split(", ", 1)[1].split(":")[0] for n in told] == [
        f"cell {before + 1} was not run, the report shows nothing of it",
        f"cell {before + 5}",
        f"cell {before + 6}",
    ]
    assert told[0].endswith("mine = 1") and "stderr" in told[1] and "vnd.vega" in told[2]
    assert any("95_mine.ipynb is no chapter" in n for n in notes)
    assert "seen by the executive" in (run / "report.html").read_text(encoding="utf-8")
