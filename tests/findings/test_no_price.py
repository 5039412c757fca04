"""A finding without a price says why, in both languages: silence would read as «costs nothing»."""

from __future__ import annotations

import tomllib

import pytest

from audit.resources import resource_dir

UNPRICED = {
    "keys": ("too_many", "no_file", "no_buying_centre", "no_plan", "no_backup", "no_influence", "disincentive"),
    "service": ("late", "short_shipments", "complaints", "no_owner"),
}
WORDS = {"ru": ("Цена не названа", "Отдельной цены нет"), "en": ("No price is put on it", "No price of its own")}


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("chapter", list(UNPRICED))
def test_findings_without_a_price_say_why(lang: str, chapter: str) -> None:
    path = resource_dir("templates") / "narrative" / lang / f"{chapter}.toml"
    findings = tomllib.loads(path.read_text(encoding="utf-8"))["findings"]
    for name in UNPRICED[chapter]:
        assert any(w in findings[name]["text"]["found"] for w in WORDS[lang]), name
    # The one finding of the two chapters that has a formula needs no excuse.
    if chapter == "service":
        assert not any(w in findings["failures_cost_clients"]["text"]["found"] for w in WORDS[lang])
