"""Pictures of role mixing: whose work flows where, how loaded each client manager is."""

from __future__ import annotations

import math

from audit.method import Threshold, method
from audit.model.result import ChapterResult
from audit.present.charts.base import Band, Caption, Chart, bars, flow
from audit.present.format import Fmt

__all__ = ["flow_chart", "km_load_chart", "role_short"]


def role_short(code: str | None, fmt: Fmt) -> str:
    """Return the short name of a role; «роль не выбрана» for "?"."""
    if code is None or code == "?":
        return "роль не выбрана" if fmt.lang == "ru" else "no role chosen"
    return method().roles[code].short.get(fmt.lang)


def flow_chart(result: ChapterResult, fmt: Fmt, note: str = "") -> Chart | None:
    """Draw who does whose work, in FTE; None without hours."""
    rows = result.tables["flow"]
    if rows.empty or result.metrics["roles.flow"].value is None:
        return None
    ru = fmt.lang == "ru"
    links: dict[tuple[str, str], float] = {}
    for r in rows.to_dict("records"):
        key = (str(r["from_role"]), str(r["to_role"]))
        links[key] = links.get(key, 0.0) + float(r["fte"])
    missing = sorted(set(rows.loc[rows["kind"] == "missing", "to_role"]))
    codes = {c for pair in links for c in pair}
    share = fmt.share(result.metrics["roles.foreign_share"].value)
    fte = fmt.fte(result.metrics["roles.flow"].value)
    alien = rows[rows["kind"].isin(["foreign", "missing"])]
    if alien.empty:
        title = "Каждая роль делает свою работу" if ru else "Every role does its own work"
    else:
        top = alien.sort_values(["hours", "from_role", "to_role"], ascending=[False, True, True]).iloc[0]
        a, b = role_short(str(top["from_role"]), fmt), role_short(str(top["to_role"]), fmt)
        title = (
            f"Чужая работа — {share} часов, {fte}; больше всего: {a} делает работу роли «{b}»" if ru
            else f"Foreign work is {share} of the hours, {fte}; most of it: {a} doing the work of {b}"
        )  # fmt: skip
    return flow(
        Caption("roles-flow", title, note=note),
        [(a, b, v) for (a, b), v in links.items()],
        fmt=fmt,
        labels={c: role_short(c, fmt) for c in codes},
        left_title="Кто делает" if ru else "Who does it",
        right_title="Чья это работа" if ru else "Whose work it is",
        own_label="своя работа" if ru else "own work",
        missing=missing,
        missing_label="роли нет" if ru else "nobody holds it",
    )


def km_load_chart(result: ChapterResult, fmt: Fmt, band: Threshold, note: str = "") -> Chart | None:
    """Draw the operational load of each client manager with the limits of the verdict; None without client managers."""
    rows = result.tables["km_load"].sort_values(["share", "person"], ascending=[False, True])
    m = result.metrics["roles.km_operational_share"]
    if rows.empty or m.value is None:
        return None
    assert band.watch is not None and band.found is not None
    ru = fmt.lang == "ru"
    names = result.facts["labels"]
    above = int((rows["share"] >= band.found).sum())
    title = (
        f"Выше {fmt.share(band.found)} — {above} из {len(rows)} КМ, в среднем по роли {fmt.share(m.value)}" if ru
        else f"{above} of {len(rows)} client managers are above {fmt.share(band.found)}, the role's mean is {fmt.share(m.value)}"
    )  # fmt: skip
    low = [None if math.isnan(v) else v for v in rows["log_low"]] if "log_low" in rows else None
    high = [None if math.isnan(v) else v for v in rows["log_high"]] if "log_high" in rows else None
    return bars(
        Caption("roles-km-load", title, note=note),
        [names.get(p, p) for p in rows["person"]],
        [float(v) for v in rows["share"]],
        fmt=fmt,
        low=low,
        high=high,
        band=Band(band.watch, band.found),
    )
