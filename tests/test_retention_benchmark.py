"""The pandas twin of the retention chapter answers every query the chapter asks, with the same figures."""

import pytest

from benchmarks.retention import difference, measure, write_canonical


def test_the_twin_in_pandas_says_the_same(tmp_path):
    write_canonical(tmp_path, lines=8_000, clients=200)
    kit, plain = measure("kit", tmp_path), measure("pandas", tmp_path)
    assert difference(kit["metrics"], plain["metrics"])[0] == pytest.approx(0, abs=1e-9)
    assert kit["states"] == plain["states"] and kit["worklist"] == plain["worklist"]
