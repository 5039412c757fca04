"""Money through the product's own path, from files to findings.json: what must hold whatever the company is like."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from audit.findings.finding import Finding
from audit.findings.money import Ledger, make_ledger
from audit.run import findings_json
from audit.run.inputs import file_inputs
from audit.run.screen import write_screen
from tools.samples import generate, write
from tools.samples.spec import CompanySpec, Disease

SICK = (
    "retention.leaky_first_purchase",
    "retention.sleeping_clients",
    "retention.revenue_leak",
    "keys.no_plan",
    "base.wallet_headroom",
    "roles.km_overload",
)


class Audited(NamedTuple):
    """An audit: findings.json, and the findings with the draws of their effects that the sum was made of."""

    told: dict[str, Any]
    priced: Sequence[Finding]

    def ledger(self, *without: str) -> Ledger:
        made = make_ledger([f for f in self.priced if f.id not in without])
        assert made is not None
        return made


def _audit(folder: Path, orders: Path) -> Audited:
    kept: list[Sequence[Finding]] = []

    def keeping(findings: Sequence[Finding]) -> Ledger | None:
        kept.append(findings)
        return make_ledger(findings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(findings_json, "make_ledger", keeping)
        told = write_screen(file_inputs([str(orders)], str(folder / "questionnaire"), None), None)
    return Audited(told, kept[-1])


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = CompanySpec("many", clients=220, seed=11, lang="en", diseases=tuple(Disease(d) for d in SICK))
    return write(generate(spec), tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="module")
def audited(company: Path) -> Audited:
    return _audit(company, company / "orders")


@pytest.fixture(scope="module")
def without_margin(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """The same files less the column of margins; the questionnaire states no margin either."""
    bare = tmp_path_factory.mktemp("bare")
    (bare / "orders").mkdir()
    (bare / "questionnaire").mkdir()
    for path in sorted(company.rglob("*.csv")):
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text.split("\n", 1)[0] else ","))
        if path.parent.name == "orders":
            kept = [i for i, name in enumerate(rows[0]) if name.lower() not in ("margin", "gross margin", "cost")]
            assert len(kept) < len(rows[0])
            rows = [[r[i] for i in kept] for r in rows]
        rows = [r for r in rows if r[:1] != ["gross_margin_share"]]
        with (bare / path.parent.name / path.name).open("w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows(rows)
    yield _audit(bare, bare / "orders")


def _prices(told: dict[str, Any]) -> dict[str, float]:
    return {f["id"]: f["effect"]["base"] for f in told["findings"] if f["status"] == "found" and "effect" in f}


def test_several_diseases_have_a_price(audited: Audited) -> None:
    assert len(audited.told["money"]["findings"]) >= 4
    assert set(audited.told["money"]["findings"]) <= set(_prices(audited.told))


def test_the_same_severities_with_and_without_margins(audited: Audited, without_margin: Audited) -> None:
    assert (audited.told["money"]["basis"], without_margin.told["money"]["basis"]) == ("gross_profit", "revenue")
    with_it, without = (
        {f["id"]: (f["status"], f["severity"]) for f in a.told["findings"]} for a in (audited, without_margin)
    )
    # What is measured on margins itself (off-profile clients, margin after giant orders) may not be assessed without.
    both = {id for id in with_it if "not_assessed" not in (with_it[id][0], without[id][0])}
    assert {id: with_it[id] for id in both} == {id: without[id] for id in both}


def test_parts_add_up_to_the_sum_and_each_client_counts_once(audited: Audited) -> None:
    ledger, head = audited.ledger(), audited.told["money"]["headline"]
    assert sum(ledger.parts.values()) == pytest.approx(head["base"]) == pytest.approx(ledger.headline.base)
    # The pool of existing clients is what falls on them one by one, and no client carries more than it brings a year.
    existing = [id for id, e in ledger.effects.items() if e.pool == "clients"]
    assert sum(ledger.parts[id] for id in existing) == pytest.approx(float(ledger.by_client["base"].sum()))
    per = ledger.by_client.groupby("client_key").agg(base=("base", "sum"), cap=("cap", "max"))
    assert (per["base"] <= per["cap"] * 1.05).all()
    # Clients to come are one pool of their own: the larger of two effects on the same flow, not both.
    coming = [id for id, e in ledger.effects.items() if e.pool == "new"]
    assert set(existing) | set(coming) == set(ledger.parts) and coming


def test_a_further_finding_never_lowers_the_sum(audited: Audited) -> None:
    whole = audited.ledger().headline.base
    for id in audited.told["money"]["findings"]:
        assert audited.ledger(id).headline.base <= whole + 1e-6, id


def test_a_finding_alone_is_worth_what_its_own_price_says(audited: Audited) -> None:
    for f in audited.priced:
        if f.id in audited.told["money"]["findings"]:
            alone = make_ledger([f])
            assert alone is not None and f.effect is not None
            head = (alone.headline.low, alone.headline.base, alone.headline.high)
            assert head == pytest.approx((f.effect.low, f.effect.base, f.effect.high)), f.id
            assert alone.headline.base == pytest.approx(_prices(audited.told)[f.id])
