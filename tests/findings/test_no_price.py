"""A finding without a price says why, in both languages: silence would read as «costs nothing»."""

from __future__ import annotations

import pytest

from audit.errors import Lang
from audit.present.narrative import narrative_source

UNPRICED = {
    "keys": ("too_many", "no_file", "no_buying_centre", "no_plan", "no_backup", "no_influence", "disincentive"),
    "service": ("late", "short_shipments", "complaints", "no_owner"),
}
WORDS = {"ru": ("Цена не названа", "Отдельной цены нет"), "en": ("No price is put on it", "No price of its own")}


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("chapter", list(UNPRICED))
def test_findings_without_a_price_say_why(lang: Lang, chapter: str) -> None:
    findings = narrative_source(lang, chapter)["findings"]
    for name in UNPRICED[chapter]:
        assert any(w in findings[name]["text"]["found"] for w in WORDS[lang]), name
    # The one finding of the two chapters that has a formula needs no excuse.
    if chapter == "service":
        assert not any(w in findings["failures_cost_clients"]["text"]["found"] for w in WORDS[lang])
