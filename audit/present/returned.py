"""What came back from single persons, what is still missing, and what it would settle: for ``km-audit check``."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from audit.errors import Lang, Text
from audit.ground.people import labels, staff_now
from audit.model.case import Case
from audit.model.questionnaire import TABLES

__all__ = ["came", "wanted"]

_KEYS = Text("Досье ключевых клиентов", "Key client files")
_ENOUGH_PEOPLE = 5
_FAR = pd.Timedelta(days=731)


def came(case: Case, lang: Lang) -> list[dict[str, Any]]:
    """Return one row per file that came back: file, kind, who, what (days or clients), rows, used, replaced, aside."""
    names = labels(case)
    out = []
    order = list(TABLES)
    for r in sorted(case.questionnaire.returned, key=lambda r: (order.index(r.table), r.file)):
        spec = TABLES[r.table]
        kind = _KEYS.get(lang) if r.table == "key_clients" else Text(spec.ru, spec.en).get(lang)
        what = _days(r.days) if r.days else ", ".join(r.clients[:5]) + (" …" if len(r.clients) > 5 else "")
        aside = r.rows - r.used - r.replaced
        out.append(
            {
                "file": r.file,
                "kind": kind,
                "who": ", ".join(names.get(p, p) for p in r.people),
                "what": what,
                "rows": r.rows,
                "used": r.used,
                "replaced": r.replaced,
                "aside": aside,
            }
        )
    return out


def _days(days: tuple[dt.date, ...]) -> str:
    return ", ".join(f"{d:%d.%m}" for d in days[:7]) + (f" … {days[-1]:%d.%m.%Y}" if len(days) > 7 else "")


def wanted(case: Case) -> list[Text]:
    """Return what is missing and what it would settle, one sentence each; nothing where nobody is on the staff sheet."""
    q = case.questionnaire
    if not q.has("staff"):
        return []
    staff = staff_now(q.table("staff"), case.window.as_of, q.hours_per_month())
    names = labels(case)
    people = [str(p) for p in staff["person"]]
    out = []
    answered = set(q.table("time")["person"]) if q.has("time") else set()
    if answered and (silent := [p for p in people if p not in answered]):
        out.append(
            Text(
                f"Время не расписано у: {_listed(silent, names)}; их часы в отчёт не войдут",
                f"No time sheet from: {_listed(silent, names)}; their hours are left out of the report",
            )
        )
    out += _odd_days(case, names)
    out += _log(case, people, names)
    if q.has("key_clients"):
        keys = q.table("key_clients")
        asked = keys[["file_share", "buying_centre_share", "plan"]]
        blank = int(asked.isna().all(axis=1).sum())
        if blank:
            out.append(
                Text(
                    f"О досье, закупочном центре и плане не сказано ничего по ключевым клиентам: {blank} из {len(keys)}. "
                    "Досье ключевых клиентов (km-audit forms) покажут, что о них известно, и подскажут, что спросить",
                    f"Nothing is said about file, buying centre and plan of {blank} of {len(keys)} key clients. "
                    "The key client files (km-audit forms) show what is known of them and what to ask",
                )
            )
    return out


def _odd_days(case: Case, names: Any) -> list[Text]:
    """Say which logged days lie far from the orders: a device's clock may have stood wrong."""
    log = case.questionnaire.table("day_log")
    if not len(log):
        return []
    first, last = pd.Timestamp(case.window.start) - _FAR, pd.Timestamp(case.window.as_of) + _FAR
    odd = log[(log["date"] < first) | (log["date"] > last)].drop_duplicates(["person", "date"])
    if odd.empty:
        return []
    shown = [f"{names.get(str(p), str(p))} {d:%d.%m.%Y}" for p, d in zip(odd["person"], odd["date"], strict=True)]
    what = ", ".join(shown[:4]) + (f" … ({len(shown)})" if len(shown) > 4 else "")
    return [
        Text(
            f"Дни фотографии дальше двух лет от заказов: {what}. Они взяты; проверьте, верно ли шли часы на устройстве, "
            "и если нет, исправьте дату в файле",
            f"Logged days more than two years away from the orders: {what}. They are taken; see whether the device's "
            "clock was right, and if not, correct the date in the file",
        )
    ]


def _log(case: Case, people: list[str], names: Any) -> list[Text]:
    q = case.questionnaire
    least = case.thresholds.count("roles.day_log_min_days_role")
    log = q.table("day_log")
    days = log.groupby("person")["date"].nunique() if len(log) else pd.Series(dtype=int)
    enough = [p for p in people if int(days.get(p, 0)) >= least]
    goal = min(_ENOUGH_PEOPLE, len(people))
    if len(enough) >= goal:
        return []
    settles_ru = (
        "Она решит, сколько времени на самом деле уходит на заказы, документы и погоню за ответами: "
        f"{least} дня у {goal} человек весомее любого опроса. Формы делает km-audit forms"
    )
    settles_en = (
        "It settles how much time orders, papers and chasing really take: "
        f"{least} days of {goal} people are worth more than any survey. km-audit forms makes the forms"
    )
    if not len(days):
        return [
            Text(
                f"Фотографии рабочего дня нет ни у кого. {settles_ru}", f"Nobody has logged a working day. {settles_en}"
            )
        ]
    short = [p for p in people if 0 < int(days.get(p, 0)) < least]
    none = [p for p in people if not int(days.get(p, 0))]
    ru, en = [], []
    if none:
        ru.append(f"нет у: {_listed(none, names)}")
        en.append(f"none from {_listed(none, names)}")
    if short:
        ru.append(f"меньше {least} дней у: {_listed(short, names)}")
        en.append(f"fewer than {least} days from {_listed(short, names)}")
    n = int(days.sum())
    return [
        Text(
            f"Фотография рабочего дня: человеко-дней {n}; {'; '.join(ru)}. {settles_ru}",
            f"Day log: {n} person-days; {'; '.join(en)}. {settles_en}",
        )
    ]


def _listed(people: list[str], names: Any) -> str:
    shown = [names.get(p, p) for p in people]
    return ", ".join(shown) if len(shown) <= 12 else ", ".join(shown[:12]) + f" … ({len(shown)})"
