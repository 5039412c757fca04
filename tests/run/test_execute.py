"""What is said of a cell that failed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from audit import errors
from audit.run.execute import _explain


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n.endswith("Error")])
def test_an_error_of_the_kit_speaks_for_itself(name: str) -> None:
    told = _explain(SimpleNamespace(ename=name, evalue="Нет столбца\nГде: orders.csv"))
    assert str(told) == "Нет столбца; Где: orders.csv"


@pytest.mark.parametrize("name", ["ValueError", "Text", "did_you_mean"])
def test_any_other_is_named_with_its_type(name: str) -> None:
    assert str(_explain(SimpleNamespace(ename=name, evalue="так\nвот"))) == f"{name}: так"
