"""The method as data: complete, consistent, and refused when it is not."""

from __future__ import annotations

import pytest

from audit.errors import SettingsError, set_language
from audit.method import SALE_TYPES, ActionSpec, Threshold, Thresholds, method


def test_the_code_lists_are_whole() -> None:
    m = method()
    assert len(m.functions) == 55
    assert len(m.roles) == 25
    assert set(m.sale_types) == set(SALE_TYPES)
    assert {f.group for f in m.functions.values()} == set(m.groups)
    assert m.functions["OPS_ORDER"].owners["TC"].primary == ("OP",)
    assert m.functions["OPS_ORDER"].owners["T"].primary == ("SOP",)
    assert not m.functions["OPS_ORDER"].owners["S"].in_conveyor
    assert m.roles["SKM"].family == m.roles["KAM"].family == "KM"
    oper = m.functions_of("OPER")
    assert len(oper) == 11
    for code in oper:
        low, base, high = m.functions[code].transferable or (1, 0, 0)
        assert 0 <= low <= base <= high <= 1


def test_every_name_has_both_languages_and_the_russian_one_is_russian() -> None:
    m = method()
    for table in (m.roles, m.functions, m.groups, m.findings, m.metrics, m.actions, m.benchmarks):
        for key, item in table.items():
            assert item.ru.strip() and item.en.strip(), key
            assert any("а" <= ch.lower() <= "я" for ch in item.ru), f"{key}: {item.ru}"
            assert not any("а" <= ch.lower() <= "я" for ch in item.en), f"{key}: {item.en}"


def test_every_threshold_says_unit_source_and_reason() -> None:
    for key, t in method().thresholds.items.items():
        assert t.unit and t.source and t.reason, key
        given = {name for name in ("watch", "value", "base") if getattr(t, name) is not None}
        assert len(given) == 1, f"{key} is neither a band, a value nor a range"


def test_overriding_a_threshold() -> None:
    base = method().thresholds
    changed = base.override({"roles.km_overload": {"watch": 0.1}, "roles.utilisation": 0.9})
    assert changed["roles.km_overload"].watch == 0.1
    assert changed["roles.km_overload"].found == 0.4
    assert changed.value("roles.utilisation") == 0.9
    assert changed.overridden == {"roles.km_overload", "roles.utilisation"}
    assert base["roles.km_overload"].watch == 0.2, "the method itself never changes"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"roles.km_overlod": {"watch": 0.1}}, "roles.km_overload"),
        ({"roles.km_overload": {"wotch": 0.1}}, "watch"),
        ({"roles.km_overload": {"watch": 0.9}}, "watch is above found"),
        ({"retention.leaky_first_purchase": {"watch": 0.5}}, "watch is below found"),
        ({"roles.selling_time_elasticity": {"low": 0.9}}, "low ≤ base ≤ high"),
        ({"roles.km_overload": {"watch": "a"}}, "is not a number"),
    ],
)
def test_an_impossible_threshold_is_refused(change: dict[str, dict[str, float]], says: str) -> None:
    set_language("en")
    with pytest.raises(SettingsError) as error:
        method().thresholds.override(change)
    assert says in str(error.value)


def test_unknown_keys_in_the_data_are_refused() -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        Threshold.model_validate({"unit": "share", "source": "s", "reason": {"ru": "п", "en": "r"}, "wach": 1})
    with pytest.raises(ValidationError):
        ActionSpec.model_validate({"id": "a", "ru": "а", "en": "a", "colour": "red"})
    frozen = method().thresholds["roles.km_overload"]
    with pytest.raises(ValidationError):
        frozen.watch = 0.3  # type: ignore[misc]
    assert isinstance(method().thresholds, Thresholds)
