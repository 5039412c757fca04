"""Figures in Russian and English: spaces, signs, plurals, scales, edges."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.model.result import Metric
from audit.present.format import DASH, MINUS, NBSP, Fmt

RU, EN = Fmt("ru", "RUB"), Fmt("en", "RUB")


def plain(text: str) -> str:
    """Read no-break spaces as spaces, so that expectations can be typed."""
    return text.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("value", "ru", "en"),
    [
        (0.614, "61 %", "61%"),
        (0.046, "4,6 %", "4.6%"),
        (0.05, "5 %", "5%"),
        (0.0995, "10 %", "10%"),
        (0, "0 %", "0%"),
        (1, "100 %", "100%"),
        (0.0004, "< 0,1 %", "< 0.1%"),
        (0.997, "99,7 %", "99.7%"),
        (0.9999, "> 99,9 %", "> 99.9%"),
        (-0.2, "−20 %", "−20%"),
        (None, "—", "—"),
        (math.nan, "—", "—"),
        (math.inf, "—", "—"),
        ("0.6", "—", "—"),
    ],
)
def test_share(value: object, ru: str, en: str) -> None:
    assert plain(RU.share(value)) == ru
    assert plain(EN.share(value)) == en


def test_percent_sign_hangs_on_the_figure() -> None:
    assert RU.share(0.61) == f"61{NBSP}%"


def test_share_beside_a_norm_never_looks_equal_to_it() -> None:
    assert plain(RU.share(0.668, against=0.67)) == "66,8 %"  # 67 % would hide that it is below
    assert plain(RU.share(0.6699, against=0.67)) == "66,99 %"
    assert plain(RU.share(0.67, against=0.67)) == "67 %"
    assert plain(RU.share(0.61, against=0.67)) == "61 %"


def test_intervals_carry_the_unit_once() -> None:
    assert plain(RU.share_interval(0.57, 0.65)) == "57–65 %"
    assert plain(RU.share_interval(0.045, 0.12)) == "4,5–12,0 %"
    assert plain(RU.share_interval(-0.02, 0.04)) == "−2…4 %"
    assert plain(RU.change_interval(-0.09, -0.02)) == "−9…−2 %"
    assert plain(RU.points_interval(-0.012, 0.199)) == "−1…+20 п. п." and RU.points_interval(None, 0.2) == "—"
    assert plain(RU.value(85.6, "years")) == "86 лет" and plain(RU.value(4.2, "years")) == "4,2 года"
    assert plain(RU.between(0.4, 0.9, "fte")) == "0,4–0,9 ставки"
    assert plain(RU.between(30, 61, "days")) == "30–61 день"
    assert plain(EN.between(30, 61, "days")) == "30–61 days"
    assert plain(RU.between(8e6, 12.4e6, "money/year")) == "8–12,4 млн ₽ в год"
    assert plain(EN.between(8e6, 12.4e6, "money")) == "RUB 8–12.4m"
    assert plain(RU.between(3, 18, "count")) == "3–18"
    assert RU.share_interval(None, 0.5) == DASH


@pytest.mark.parametrize(
    ("value", "ru", "en"),
    [
        (12_412_300, "12,4 млн ₽", "RUB 12.4m"),
        (999_950, "1 млн ₽", "RUB 1m"),  # not «1 000 тыс.»
        (250_000, "250 тыс. ₽", "RUB 250k"),
        (4_250, "4 250 ₽", "RUB 4,250"),
        (850, "850 ₽", "RUB 850"),
        (0, "0 ₽", "RUB 0"),
        (-12_400_000, "−12,4 млн ₽", "RUB −12.4m"),
        (1.5e9, "1,5 млрд ₽", "RUB 1.5bn"),
        (2.1e13, "21 трлн ₽", "RUB 21trn"),
        (Decimal("1240000"), "1,24 млн ₽", "RUB 1.24m"),
        (np.int64(12_000_000), "12 млн ₽", "RUB 12m"),
        (None, "—", "—"),
    ],
)
def test_money(value: object, ru: str, en: str) -> None:
    assert plain(RU.money(value)) == ru
    assert plain(EN.money(value)) == en


def test_money_of_other_currencies() -> None:
    assert plain(Fmt("en", "USD").money(-12.4e6)) == "−$12.4m"
    assert plain(Fmt("ru", "USD").money(12.4e6)) == "12,4 млн $"
    assert plain(Fmt("ru", "BYN").money(12.4e6)) == "12,4 млн BYN"
    assert plain(Fmt("en", "BYN").money_full(12_400_000.5, 2)) == "BYN 12,400,000.50"


def test_money_range_stands_on_one_scale() -> None:
    assert plain(RU.money_range(800_000, 2.4e6, 4.1e6)) == "2,4 млн ₽ (0,8–4,1)"
    assert plain(RU.money_range(8.1e6, 1.02e7, 1.24e7, per_year=True, of="выручки")) == (
        "10,2 млн ₽ выручки в год (8,1–12,4)"
    )
    assert plain(EN.money_range(1, 1, 1)) == "RUB 1"
    assert RU.money_range(1, None, 2) == DASH


def test_dates() -> None:
    assert plain(RU.date("2025-12-31")) == "31 декабря 2025 г."
    assert plain(EN.date(dt.date(2025, 12, 31))) == "31 December 2025"
    assert plain(RU.date_short(pd.Timestamp("2025-02-01"))) == "01.02.2025"
    assert plain(EN.date_short("2025-02-01")) == "1 Feb 2025"
    assert plain(RU.month("2025-05-01")) == "май 2025 г."
    assert RU.date(None) == RU.date(pd.NaT) == RU.date("soon") == DASH


def test_periods_of_whole_months_name_no_days() -> None:
    assert plain(RU.period("2023-01-01", "2025-12-31")) == "январь 2023 — декабрь 2025 г."
    assert plain(RU.period("2023-01-01", "2023-12-31")) == "январь — декабрь 2023 г."
    assert plain(RU.period("2024-02-01", "2024-02-29")) == "февраль 2024 г."
    assert plain(EN.period("2023-01-02", "2025-12-30")) == "2 January 2023 – 30 December 2025"
    assert RU.period("2023-01-01", None) == DASH


@pytest.mark.parametrize(
    ("n", "ru"),
    [(0, "0 дней"), (1, "1 день"), (2, "2 дня"), (5, "5 дней"), (11, "11 дней"), (21, "21 день"), (111, "111 дней")],
)
def test_plural(n: int, ru: str) -> None:
    assert plain(RU.days(n)) == ru
    assert plain(EN.days(n)) == (f"{n} day" if n == 1 else f"{n} days")


def test_fractions_take_the_genitive_singular() -> None:
    assert plain(RU.fte(1.5)) == "1,5 ставки"
    assert plain(RU.fte(5)) == "5 ставок"
    assert plain(RU.fte(0.25)) == "0,25 ставки"
    assert RU.plural(2, ("клиент", "клиента", "клиентов")) == "клиента"
    with pytest.raises(ValueError, match="ru needs 3 forms"):
        RU.plural(2, "client", "clients")


def test_changes_carry_their_sign() -> None:
    assert plain(RU.change(-0.053)) == "−5,3 %"
    assert plain(RU.change(0.12)) == "+12 %"
    assert plain(RU.change(0)) == "0 %"
    assert plain(RU.change(0.0002)) == plain(RU.change(-0.0002)) == "< 0,1 %"
    assert plain(RU.points(-0.06)) == "−6 п. п."
    assert plain(EN.points(0.06)) == "+6 pp"


def test_metric_is_written_by_its_unit() -> None:
    m = Metric("x", 1.41, "fte", low=1, high=2)
    assert plain(RU.metric(m)) == "1,4 ставки"
    assert plain(RU.interval(m)) == "1–2 ставки"
    assert RU.metric(Metric("x", None, "share")) == DASH
    assert RU.interval(Metric("x", 0.5, "share")) == ""
    assert plain(RU.metric(Metric("x", 0.668, "share", benchmark=0.67))) == "66,8 %"


def test_no_minus_zero() -> None:
    assert RU.num(-0.0001) == "0"
    assert RU.num(-1234.56, 1) == f"{MINUS}1{NBSP}234,6"


@given(st.one_of(st.none(), st.floats(), st.integers(-(10**18), 10**18), st.text(max_size=5), st.booleans()))
def test_whatever_json_holds_becomes_text(value: object) -> None:
    for fmt in (RU, EN):
        for unit in ("share", "change", "count", "days", "hours", "fte", "money", "money/year", "ratio", "years"):
            text = fmt.value(value, unit)
            assert text
            assert "-" not in text
            json.dumps(text)
