"""The chapter as a whole: the rule of each required hand-off, the practice in the orders, the loss after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.handoff.practice import continuation, following, handed_against_kept, switches, won_by_developer
from audit.chapters.handoff.rules import developer_rules, form_mismatches, pair_table, required_pairs
from audit.errors import Text
from audit.ground.answers import Answers, read_answers
from audit.ground.lacks import missing_columns, missing_sheets, too_few
from audit.ground.matched import Comparison, twice_extra
from audit.ground.money import margin_of
from audit.ground.newcomers import mark_new, new_a_year, new_by_card
from audit.ground.norm import family_of, norm_of
from audit.ground.path import LABEL, SERVERS, Path, links_of, path_of, sides, takers_of
from audit.ground.people import post_cost, roles_by_person, staff_now
from audit.method import method
from audit.model.case import Case, sql_text
from audit.model.result import ChapterResult, Metric, metric, no_metric
from audit.stats.intervals import proportion

__all__ = ["diagnose"]

MAX_PURCHASES = 24
"""Purchases followed per client: a hand-off later than that is no hand-off any more."""

NOT_STAFFED = Text(
    "Передавать некому: ни в одной обязательной паре нет обеих ролей — смотрите вывод о недостающих ролях",
    "Nobody to hand over to: no required pair has both roles filled; see the finding about missing roles",
)
NOT_GRADUAL = Text(
    "Не применяется: постепенного подключения требуют консультационные продажи",
    "Does not apply: it is consultative sales that need the gradual joining",
)
NO_FORM = Text(
    "Форма передачи от СР к КМ и от КМ к ПМ не указана, или правила нет вовсе",
    "The form of the hand-offs from developer to client manager and on to project manager is not given, or has no rule",
)
NOT_SEEN = Text(
    "Правила передачи от СР, которое можно проверить по заказам (после k-й покупки, по сумме или по сроку), "
    "на листе «Передачи» нет",
    "The sheet “Hand-offs” has no rule for the developer's clients that orders can show (after purchase k, "
    "by amount, by time)",
)
NEW_CLIENTS = Text("Новых клиентов за последние 12 месяцев", "New clients in the last 12 months")
NO_WON = Text(
    "Нет новых клиентов, чью первую покупку вёл СР: не на ком проверить",
    "There are no new clients whose first purchase a developer served",
)
REACHED = Text(
    "Клиентов СР, дошедших до передачи и купивших снова",
    "The developers' clients that were due for the hand-off and bought again",
)
HANDED = Text(
    "Переданных клиентов, для которых есть непереданные с той же покупкой в том же месяце",
    "Handed clients that have ones not handed at the same purchase in the same month",
)
ALL_ALIKE = Text(
    "Сравнить не с кем: на одной и той же покупке либо передают всех, либо никого",
    "Nobody to compare with: on any one purchase either all clients are handed over or none",
)


def _sql(name: str) -> str:
    return sql_text("audit.ground", name)


def diagnose(case: Case) -> ChapterResult:
    """Return the figures of the hand-offs (methodology 5.8).

    Tables: ``pairs`` (required hand-offs and what is said of each), ``following`` (clients that were due, with
    outcome), ``switches`` (clients that changed hands), ``continuation`` (lost by purchase number and side),
    ``loss_curve``, ``path`` (first, second and third purchase by who serves), ``path_by`` (who goes on by who served
    first), ``handed`` (clients handed in the recent period: client_key, client_name, day, annual_value, lost).
    """
    q = case.questionnaire
    norm, _ = norm_of(case)
    staff = q.table("staff")
    held: set[str] | None = None
    if q.has("staff"):
        now = staff_now(staff, case.window.as_of, q.hours_per_month(), norm.types)
        held = {f for r in now.to_dict("records") if float(r["fte"]) > 0 for f in _families(r["role"], r["role2"])}
    pairs = pair_table(required_pairs(norm.types, held), q.table("handoffs"))
    metrics = [_rule_metric(case, pairs), _form_metric(case, norm.types, pairs)]
    tables: dict[str, pd.DataFrame] = {"pairs": pairs}
    facts: dict[str, Any] = {
        "types": list(norm.types),
        "pairs": len(pairs),
        "staffed": int(pairs["staffed"].sum()),
        "margin_share": margin_of(case).share,
        "annual_revenue": case.annual_revenue,
        "named": q.has("handoffs"),
        "as_of": case.window.as_of.isoformat(),
        "start": case.window.start.isoformat(),
        "new_from": case.window.new_from.isoformat(),
        "new_by_card": new_by_card(case.clients(), case.window),
        "loss_gaps": case.thresholds.value("handoff.loss_gaps"),
    }
    metrics += _practice(case, norm.types, tables, facts)
    metrics.append(_new_client_cost(case, tables, facts))
    return ChapterResult.of("handoff", metrics, tables, facts)


WINNERS = ("SR", "TM")
"""Families that win new clients."""


def _new_client_cost(case: Case, tables: dict[str, pd.DataFrame], facts: dict[str, Any]) -> Metric:
    """Return what winning a new client costs; fill in the path of the new clients."""
    path = path_of(case)
    tables["path"] = links_of(path.clients)
    tables["path_by"] = _path_by(path, case.thresholds.value("general.confidence_level"))
    facts["path"] = {
        "reason": _spoken(path.reason),
        "who_reason": _spoken(path.who_reason),
        "horizon_days": path.horizon_days,
        "whole_horizon": path.horizon_days == case.window.horizon_days,
        "clients": len(path.clients),
        "new": path.new,
        "short": path.short,
        "reached": [int((path.clients["reached"] >= k).sum()) for k in (1, 2, 3)],
        "days": [_middle(path.clients["day_2"]), _middle(path.clients["day_3"])],
        "first_from": None if path.first_from is None else path.first_from.isoformat(),
        "first_until": None if path.first_until is None else path.first_until.isoformat(),
        "first_profit": _first_profit(case, path),
        "basis": margin_of(case).basis,
    }
    id = "handoff.new_client_cost"
    if reason := missing_sheets(case, "staff"):
        return no_metric(id, reason)
    answers = read_answers(case)
    posts = answers.staff[answers.staff["family"].isin(WINNERS)]
    if float(posts["fte"].sum()) <= 0:
        return no_metric(
            id,
            Text(
                "На листе «Сотрудники» нет ни СР, ни ТМ", "The sheet “Staff” has neither developers nor telemarketers"
            ),
        )
    post = post_cost(answers.staff, WINNERS)
    if post is None:
        return no_metric(
            id,
            Text(
                "На листе «Сотрудники» не указана стоимость месяца СР и ТМ",
                "The sheet “Staff” lacks the cost a month of developers and telemarketers",
            ),
        )
    seen, a_year = new_a_year(case.clients(), case.window)
    needed = case.thresholds.count("general.min_units")
    if seen < needed:
        return no_metric(id, too_few(seen, needed, NEW_CLIENTS), n=seen)
    payroll, share = _winning(answers, posts, post)
    return metric(
        id,
        payroll * (1.0 if share is None else share) / a_year,
        n=seen,
        payroll_year=payroll,
        new_a_year=a_year,
        fte=float(posts["fte"].sum()),
        winning_share=share,
    )


def _winning(answers: Answers, posts: pd.DataFrame, post: float) -> tuple[float, float | None]:
    """Return what the winners cost a year, and which part of that is winning by the sheet «Время»; None without their hours.

    Each person's cost (where not given: ``post`` × FTE) × the own share of hours on leads and first deals, overhead in
    proportion; whose hours are not known wins as much of the time as the others.
    """
    cost = (posts["cost_month"] * 12.0).fillna(post * posts["fte"]).set_axis(posts["person"])
    hours = answers.hours[answers.hours["person"].isin(posts["person"]) & (answers.hours["group"] != "OVHD")]
    worked = hours.groupby("person")["hours"].sum()
    if float(worked.sum()) <= 0:
        return float(cost.sum()), None
    won = hours[hours["group"].isin(["LEAD", "HUNT"])].groupby("person")["hours"].sum()
    share = won.reindex(worked.index).fillna(0.0) / worked
    usual = float((share * cost[share.index]).sum()) / float(cost[share.index].sum())
    return float(cost.sum()), float((cost * share.reindex(cost.index).fillna(usual)).sum()) / float(cost.sum())


def _middle(days: pd.Series) -> float | None:
    known = days.dropna()
    return float(known.median()) if len(known) else None


def _spoken(reason: Text | None) -> dict[str, str] | None:
    return None if reason is None else {"ru": reason.ru, "en": reason.en}


def _path_by(path: Path, level: float) -> pd.DataFrame:
    """Return how many clients buy again by who served the purchase before.

    Grain: step (1, 2) × who, where anybody tells who serves. Columns: step, who, clients, next, share with Wilson low and high,
    days (median to the next purchase).
    """
    columns = ["step", "who", "clients", "next", "share", "low", "high", "days"]
    rows = []
    if path.who_reason is None:
        for step in (1, 2):
            made = path.clients[path.clients["reached"] >= step]
            for who, part in made.groupby(f"who_{step}", sort=False):
                on = int((part["reached"] > step).sum())
                e = proportion(on, len(part), level)
                rows.append((step, str(who), len(part), on, e.value, e.low, e.high, part[f"day_{step + 1}"].median()))
    out = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[4:], float))
    place = out["who"].map({w: k for k, w in enumerate(SERVERS)})
    return out.assign(place=place).sort_values(["step", "place"], ignore_index=True).drop(columns="place")


def _first_profit(case: Case, path: Path) -> float | None:
    """Return what a followed new client brings within the horizon on average, in the money of the company's margin."""
    if path.clients.empty:
        return None
    rows = case.query(_sql("early_revenue"), within=path.horizon_days)
    mine = rows[rows["client_key"].isin(set(path.clients["client_key"]))]
    return float((mine["revenue"].astype(float) * margin_of(case).of(mine["client_key"])).sum()) / len(path.clients)


def _families(*roles: object) -> list[str]:
    return [family_of(r) for r in roles if isinstance(r, str) and r in method().roles]


def _rule_metric(case: Case, pairs: pd.DataFrame) -> Metric:
    id = "handoff.rule_gap"
    if reason := missing_sheets(case, "handoffs"):
        return no_metric(id, reason)
    judged = pairs[pairs["gap"].notna()]
    if judged.empty:
        return no_metric(id, NOT_STAFFED, n=0)
    return metric(
        id,
        float(judged["gap"].max()),
        n=len(judged),
        no_rule=int((judged["gap"] == 2).sum()),
        partly=int((judged["gap"] == 1).sum()),
        documented=int((judged["gap"] == 0).sum()),
    )


def _form_metric(case: Case, types: Sequence[str], pairs: pd.DataFrame) -> Metric:
    id = "handoff.form_mismatches"
    if not {"C", "CS"} & set(types):
        return no_metric(id, NOT_GRADUAL)
    if reason := missing_sheets(case, "handoffs"):
        return no_metric(id, reason)
    rows = form_mismatches(pairs)
    if rows.empty:
        return no_metric(id, NO_FORM, n=0)
    wrong = rows[rows["mismatch"]]
    return metric(
        id,
        float(len(wrong)),
        n=len(rows),
        worst=[
            {"from_role": str(r["from_role"]), "to_role": str(r["to_role"]), "form": str(r["form"])}
            for r in wrong.to_dict("records")
        ],
    )


_PRACTICE = ("handoff.off_rule_share", "handoff.switch_number", "handoff.switch_lag", "handoff.loss_difference")


def _practice(case: Case, types: Sequence[str], tables: dict[str, pd.DataFrame], facts: dict[str, Any]) -> list[Metric]:
    """Return the metrics that rest on the orders; fill in their tables and facts."""
    empty_won = pd.DataFrame(columns=["client_key"])
    tables |= {
        "following": following(empty_won, []),
        "switches": pd.DataFrame(columns=["client_key"]),
        "continuation": continuation(empty_won, case.window.as_of, 1.0),
        "handed": pd.DataFrame(columns=["client_key"]),
        "loss_curve": pd.DataFrame(columns=["gaps", "treated", "controls"]),
    }
    reason = missing_columns(case, "manager") or missing_sheets(case, "staff")
    if reason is None:
        label = case.query(_sql("label")).iloc[0]
        facts["label_clients"], facts["label_several"] = int(label["clients"]), int(label["several"])
        reason = LABEL if int(label["clients"]) > 0 and int(label["several"]) == 0 else None
    if reason is not None:
        return [no_metric(id, reason) for id in _PRACTICE]
    # A company that sells in several types hands over to the seller of each; the person's own role decides where to.
    takers = takers_of(types)
    won = _won(case, takers, types)
    facts["won"] = int(won["client_key"].nunique())
    if won.empty:
        return [no_metric(id, NO_WON, n=0) for id in _PRACTICE]
    changed = switches(won)
    names = case.clients()[["client_key", "client_name"]]
    tables["switches"] = changed.merge(names, on="client_key", how="left")
    tables["continuation"] = continuation(won, case.window.as_of, case.thresholds.value("handoff.loss_gaps"))
    return [
        _following_metric(case, won, takers, tables, facts),
        *_switch_metrics(case, changed),
        _loss_metric(case, won, tables, facts),
    ]


def _won(case: Case, takers: Sequence[str], types: Sequence[str]) -> pd.DataFrame:
    clients = case.clients()
    new = clients.loc[mark_new(clients, case.window), "client_key"]
    roles = roles_by_person(case.questionnaire.table("staff"), types)
    purchases = case.query(_sql("purchases"), up_to=MAX_PURCHASES)
    return won_by_developer(purchases, sides(roles, takers), set(new))


def _following_metric(
    case: Case, won: pd.DataFrame, takers: Sequence[str], tables: dict[str, pd.DataFrame], facts: dict[str, Any]
) -> Metric:
    id = "handoff.off_rule_share"
    if reason := missing_sheets(case, "handoffs"):
        return no_metric(id, reason)
    given = case.questionnaire.company.get("handoff_after")
    rules = developer_rules(case.questionnaire.table("handoffs"), takers, None if given is None else float(given))
    if not rules:
        return no_metric(id, NOT_SEEN)
    facts["rules"] = rules
    table = following(won, rules)
    tables["following"] = table.merge(case.clients()[["client_key", "client_name"]], on="client_key", how="left")
    counts: dict[str, Any] = {o: int((table["outcome"] == o).sum()) for o in ("kept", "early", "late", "open")}
    decided = counts["kept"] + counts["early"] + counts["late"]
    facts["outcomes"] = counts
    needed = case.thresholds.count("general.min_units")
    if decided < needed:
        return no_metric(id, too_few(decided, needed, REACHED), n=decided, **counts)
    e = proportion(counts["early"] + counts["late"], decided, case.thresholds.value("general.confidence_level"))
    assert e.value is not None
    return metric(id, e.value, low=e.low, high=e.high, n=decided, **counts)


def _switch_metrics(case: Case, changed: pd.DataFrame) -> list[Metric]:
    """Return the purchase number at the switch and the lag in own gaps, medians over clients that changed hands."""
    needed = case.thresholds.count("general.min_units")
    done = changed[changed["switch_no"].notna()]
    what = Text("Клиентов СР, сменивших менеджера", "The developers' clients that changed hands")
    if len(done) < needed:
        reason = too_few(len(done), needed, what)
        return [
            no_metric("handoff.switch_number", reason, n=len(done)),
            no_metric("handoff.switch_lag", reason, n=len(done)),
        ]
    q = done["switch_no"].quantile([0.1, 0.5, 0.9])
    number = metric(
        "handoff.switch_number", float(q[0.5]), n=len(done), p10=float(q[0.1]), p90=float(q[0.9]), won=len(changed)
    )
    lag = done["lag_ratio"].dropna()
    if len(lag) < needed:
        return [number, no_metric("handoff.switch_lag", too_few(len(lag), needed, what), n=len(lag))]
    return [
        number,
        metric(
            "handoff.switch_lag",
            float(lag.median()),
            n=len(lag),
            p90=float(lag.quantile(0.9)),
            lag_days=float(done["lag_days"].median()),
        ),
    ]


def _loss_metric(case: Case, won: pd.DataFrame, tables: dict[str, pd.DataFrame], facts: dict[str, Any]) -> Metric:
    id = "handoff.loss_difference"
    t = case.thresholds
    c = handed_against_kept(
        won,
        loss_gaps=t.value("handoff.loss_gaps"),
        as_of=case.window.as_of,
        draws=t.count("general.bootstrap_draws"),
        seed=t.count("general.bootstrap_seed"),
        level=t.value("general.confidence_level"),
    )
    if c is None:
        return no_metric(id, ALL_ALIKE, n=0)
    tables["loss_curve"] = c.curve
    tables["handed"] = recent_treated(case, c)
    needed = t.count("general.min_units")
    e = c.matched.effect
    if c.matched.strata == 0:
        return no_metric(id, ALL_ALIKE, n=0, unmatched=c.matched.unmatched)
    if e.n < needed or e.value is None or e.low is None:
        return no_metric(id, too_few(e.n, needed, HANDED), n=e.n, unmatched=c.matched.unmatched)
    return metric(
        id,
        e.value,
        low=e.low,
        high=e.high,
        n=e.n,
        handed=c.matched.treated_figure,
        kept=c.matched.control_figure,
        controls=c.matched.controls,
        unmatched=c.matched.unmatched,
        strata=c.matched.strata,
        p_value=c.p_value,
        loss_gaps=t.value("handoff.loss_gaps"),
        **twice_extra(c, needed),
    )


def recent_treated(case: Case, c: Comparison) -> pd.DataFrame:
    """Return the treated clients of the recent period: client_key, client_name, day, annual_value, lost, still_away,
    overdue (not back, and silent for longer than the client's usual gap)."""
    rows = c.rows[c.rows["treated"] & (c.rows["day"] >= pd.Timestamp(case.window.recent_start))]
    out = rows[["client_key", "day", "annual_value", "lost"]].copy()
    out["still_away"] = ~rows["returned"].to_numpy(dtype=np.bool_)
    out["overdue"] = out["still_away"] & (rows["wait_days"] > rows["usual_days"])
    out = out.merge(case.clients()[["client_key", "client_name"]], on="client_key", how="left")
    return out.sort_values(["annual_value", "client_key"], ascending=[False, True], ignore_index=True)
