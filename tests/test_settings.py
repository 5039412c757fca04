"""audit.toml: defaults, overrides, and every wrong key named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import SettingsError, set_language
from audit.settings import Settings, load_settings, settings_from_mapping


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def test_everything_has_a_default() -> None:
    s = load_settings(None)
    assert s == Settings()
    assert (s.period.horizon_days, s.period.recent_months, s.report.lang) == (365, 12, "ru")


def test_reading_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text('﻿[columns]\norder_date = "Дата реализации"\n[period]\nas_of = 2025-12-31\n', encoding="utf-8")
    s = load_settings(path)
    assert s.columns["order_date"] == "Дата реализации"
    assert s.period.as_of is not None and s.period.as_of.year == 2025


def test_all_wrong_keys_are_named_at_once_with_the_nearest_right_one() -> None:
    raw = {"readng": {}, "reading": {"delimeter": ";"}, "columns": {"order_dat": "x"}, "report": {"accent": "red"}}
    with pytest.raises(SettingsError) as error:
        settings_from_mapping(raw)
    text = str(error.value)
    for hint in ("“reading”", "“delimiter”", "“order_date”", "accent"):
        assert hint in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[period]\nstart = 2025-02-01\nend = 2025-01-01\n", "start is after end"),
        ("[period]\nhorizon_days = 0\n", "horizon_days"),
        ('[company]\nsale_type = "X"\n', "sale_type"),
        ('[report\nlang = "ru"\n', "not valid TOML"),
    ],
)
def test_impossible_values_say_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_settings(path)
    assert says in str(error.value)
    assert "audit.toml" in str(error.value)


def test_a_missing_file_and_a_wrong_encoding(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not found"):
        load_settings(tmp_path / "no.toml")
    path = tmp_path / "audit.toml"
    path.write_bytes('[company]\nname = "Завод"\n'.encode("cp1251"))
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(path)


def test_the_intake_digest_follows_what_is_read_and_not_the_verdicts() -> None:
    base = settings_from_mapping({})
    verdict = settings_from_mapping(
        {"thresholds": {"roles.km_overload": {"watch": 0.1}}, "report": {"accent": "#112233"}}
    )
    reading = settings_from_mapping({"reading": {"decimal": ","}})
    assert base.intake_digest() == verdict.intake_digest()
    assert base.intake_digest() != reading.intake_digest()
