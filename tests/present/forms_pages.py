"""The personal forms of the sample's client manager, for tests in browsers."""

from __future__ import annotations

from pathlib import Path

from audit.resources import resource_dir
from audit.run.forms import make_forms
from audit.run.inputs import Inputs
from audit.settings import Settings, settings_from_mapping

SAMPLE = resource_dir("data_samples") / "khimsnab" / "questionnaire"
DAY = "2026-11-30"


def pages(folder: Path, lang: str = "ru") -> Path:
    """Make the forms of one client manager; no orders are needed."""
    settings: Settings = settings_from_mapping({"report": {"lang": lang}})
    made = make_forms(Inputs((), SAMPLE, settings, folder), ["KM1"])
    assert not any(form.needs_orders for form, _ in made.forms)
    return folder / "forms"
