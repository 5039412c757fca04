"""Every finding has a price, is a risk, or says why it has none: silence would read as «costs nothing»."""

from __future__ import annotations

import re

import pytest

from audit.errors import Lang, Text
from audit.findings.finding import Effect, Finding, Risk
from audit.findings.judge import make_finding
from audit.method import method
from audit.present.format import Fmt
from audit.present.narrative import Narrative, narrative_source
from tests.case_builder import make_case

GAIN = [
    "base.indigestion",
    "base.long_tail",
    "base.off_profile",
    "base.range_gap",
    "base.wallet_headroom",
    "handoff.loss",
    "keys.disincentive",
    "keys.no_buying_centre",
    "keys.no_file",
    "keys.no_plan",
    "keys.too_many",
    "retention.base_shrinking",
    "retention.frequency_decline",
    "retention.leaky_first_purchase",
    "retention.manager_outlier",
    "retention.range_decline",
    "retention.revenue_leak",
    "retention.sleeping_clients",
    "retention.ticket_decline",
    "roles.km_overload",
    "service.failures_cost_clients",
]
RISK = [
    "base.concentration",
    "ownership.bus_factor",
    "ownership.handover_loss",
    "ownership.orphans",
    "ownership.single_owner",
]
ALWAYS = [
    "retention.base_shrinking",
    "retention.frequency_decline",
    "retention.range_decline",
    "retention.revenue_leak",
    "retention.ticket_decline",
]
"""What is found of these always has a price: a decline is one of revenue, a lost share one of a yearly rate."""
OWN_WORDS = ["retention.sleeping_clients"]
"""Its text tells why waking is not priced: they come back by themselves, or that is not known."""
PRICE = {"ru": ("Цена не названа", "цены нет", "Цены нет"), "en": ("No price",)}


def test_what_each_finding_may_be_worth() -> None:
    kinds = {id: spec.money for id, spec in method().findings.items()}
    assert sorted(id for id, kind in kinds.items() if kind == "gain") == sorted(GAIN)
    assert sorted(id for id, kind in kinds.items() if kind == "risk") == sorted(RISK)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_a_finding_that_may_go_without_a_price_says_why(lang: Lang) -> None:
    for id, spec in method().findings.items():
        chapter, name = id.split(".")
        texts = narrative_source(lang, chapter)["findings"][name]
        if id in ALWAYS or spec.money == "risk":
            assert "no_price" not in texts, id
        elif id in OWN_WORDS:
            assert any(w in texts["text"]["found"] for w in PRICE[lang]), id
        else:
            assert any(w in texts["no_price"] for w in PRICE[lang]), id
            # Said once, and only where no price was computed.
            assert not any(w in texts["text"]["found"] for w in PRICE[lang]), id


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_no_sentence_says_that_another_finding_has_priced_it(lang: Lang) -> None:
    claims = {"ru": r"уже оцен|там и посчитан|считает вывод|считает глава", "en": r"is priced|are priced|prices a"}
    for chapter in method().chapters:
        for name, texts in narrative_source(lang, chapter).get("findings", {}).items():
            said = [*texts.get("text", {}).values(), texts.get("no_price", "")]
            assert not any(re.search(claims[lang], s) for s in said), name


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_sentence_stands_only_without_a_price(lang: Lang) -> None:
    id = "keys.no_plan"
    facts = {"clients": 4, "n": 10, "revenue_share": 0.2, "weak": 0, "value": 0.4, "found": 0.3, "wallets": 0}
    words = Narrative(lang, Fmt(lang, "RUB"))

    def text(effect: Effect | None) -> str:
        return str(words.finding(Finding(id, "found", effect=effect, facts=facts))[1])

    assert any(w in text(None) for w in PRICE[lang])
    assert not any(w in text(Effect(1, 2, 3, "revenue", Text("", ""))) for w in PRICE[lang])


def test_a_price_that_the_catalogue_does_not_declare_is_our_own_mistake() -> None:
    case = make_case([{"client_id": "A", "order_date": "2024-06-01", "amount": 100}])
    with pytest.raises(AssertionError, match=r"roles\.entry_burden"):
        make_finding(case, "roles.entry_burden", "found", grade="C", effect=Effect(1, 2, 3, "revenue", Text("", "")))
    with pytest.raises(AssertionError, match=r"keys\.no_backup"):
        make_finding(case, "keys.no_backup", "found", grade="C", risk=Risk(None, 5.0))
    case.close()
