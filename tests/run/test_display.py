"""What a case, a chapter, a figure and a verdict show of themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import audit
from audit.errors import Text, set_language
from audit.findings.finding import Effect, Finding
from audit.model.result import metric, no_metric
from audit.resources import resource_dir
from audit.run.display import case_html, chapter_html, finding_html, metric_html
from audit.run.shell import _Shell


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def test_a_figure_says_its_interval_or_why_it_is_not_there() -> None:
    told = metric_html(metric("retention.second_purchase_share", 0.61, low=0.57, high=0.65, n=412, horizon_days=180))
    for part in ("61%", "57%", "65%", "412", "180", "retention.second_purchase_share"):
        assert part in told, part
    assert "&lt;b&gt;" in metric_html(no_metric("retention.second_purchase_share", Text("<b>", "<b>")))


def test_a_verdict_names_no_currency_that_it_does_not_know() -> None:
    effect = Effect(1e6, 2e6, 3e6, "gross_profit", Text("a", "a"), {})
    told = finding_html(Finding("retention.leaky_first_purchase", "found", effect=effect, grade="C"))
    assert "2" in told and "₽" not in told and "RUB" not in told
    why = Finding("retention.leaky_first_purchase", "not_assessed", reason=Text("нет", "none"))
    assert "none" in finding_html(why)


@pytest.fixture
def shell() -> Iterator[_Shell]:
    _Shell.clear_instance()
    yield _Shell.instance()
    _Shell.clear_instance()


def test_in_a_notebook_they_show_themselves(shell: _Shell) -> None:
    sample = resource_dir("data_samples") / "veldora_opt"
    case = audit.open_case(str(sample / "orders"), str(sample / "questionnaire"), lang="en")
    view = audit.chapter(case, "handoff")
    assert case.company_name.replace("&", "&amp;") in case_html(case) and "revenue" in case_html(case)
    assert all(name in chapter_html(view) for name in view.sections)
    shell.user_ns["shown"] = [case, view, view.findings[0], next(iter(view.result.metrics.values()))]
    for k in range(4):
        output = shell.run(f"shown[{k}]")[0]
        assert "<table>" in output["data"]["text/html"], k
    case.close()
