"""The house keeps its import direction: each layer imports only from those to its left."""

from __future__ import annotations

import ast
from pathlib import Path

import audit

LAYERS = (
    "errors",
    "resources",
    "settings",
    "method",
    "engine",
    "model",
    "intake",
    "stats",
    "diagnose",
    "findings",
    "present",
    "run",
    "cli",
)
"""From left to right. intake and stats stand side by side."""
SIDE_BY_SIDE = {"intake": {"stats"}, "stats": {"intake"}}
NOT_FOR_DIAGNOSE = {"intake"}
ROOT = Path(audit.__file__).parent


def layer_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "audit" else None


def imports(path: Path) -> set[str]:
    """Layers that a file imports at run time (an `if TYPE_CHECKING:` block does not count)."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "audit":
                found.update(a.name for a in node.names if a.name in LAYERS)
            elif (layer := layer_of(node.module)) is not None:
                found.add(layer)
        if isinstance(node, ast.Import):
            found.update(layer for a in node.names if (layer := layer_of(a.name)) is not None)
        assert not (isinstance(node, ast.ImportFrom) and node.level > 0), f"{path}: relative import"
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def test_imports_go_only_to_the_left() -> None:
    wrong = []
    seen = set()
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts in (("__init__",), ("__main__",)):
            continue
        layer = parts[0]
        assert layer in LAYERS, f"{path} belongs to no layer"
        seen.add(layer)
        allowed = set(LAYERS[: LAYERS.index(layer) + 1]) - SIDE_BY_SIDE.get(layer, set())
        if LAYERS.index(layer) >= LAYERS.index("diagnose") and layer in ("diagnose", "findings", "present"):
            allowed -= NOT_FOR_DIAGNOSE
        for name in imports(path) - allowed:
            wrong.append(f"{path.relative_to(ROOT)} imports audit.{name}")
    assert wrong == []
    assert seen == set(LAYERS), "a layer is empty or new"


def test_the_generator_of_samples_reads_the_method_only() -> None:
    for path in (ROOT.parent / "tools" / "samples").glob("*.py"):
        if path.stem != "__main__":  # which writes the answers into the workbook of the kit
            assert imports(path) <= {"method"}, path.name


def test_only_the_engine_imports_the_engines() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).parts[0] == "engine":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            wrong += [str(path) for n in names if n.split(".")[0] in ("duckdb", "pyspark")]
    assert wrong == []


def test_public_names_are_pinned() -> None:
    assert audit.__all__ == [
        "AuditError",
        "chapter",
        "explain",
        "open_case",
        "open_chapter",
        "open_summary",
        "save_chapter",
    ]
    for name in audit.__all__:
        assert getattr(audit, name) is not None
