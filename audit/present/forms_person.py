"""Forms that one person fills in on a screen: the photographed working day and the personal time sheet.

One HTML file a person, with no network and nothing to install. Words: templates/forms/person.toml; page: form.html.j2,
form.css; scripts: form.js (shared), day.js, time.js. What is sent back is a CSV of table ``day_log`` or ``time``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jinja2
from markupsafe import Markup

from audit.errors import Lang
from audit.ground.hours import BREAK
from audit.ground.norm import family_of, seller_of_type
from audit.method import method
from audit.present.forms_asked import Asked, Person, file_names
from audit.present.style import css_tokens
from audit.resources import resource_dir

__all__ = ["button", "role_title", "usual_functions", "words_in", "write_day_pages", "write_time_pages"]

Kind = Literal["day", "time"]
MOST_CLIENTS = 800
"""Clients in a person's list, those who bought last: the file stays a small one."""
LARGE = {"day": 11, "time": 12}
MEETING = "OV_MEET"


@lru_cache(maxsize=1)
def person_words() -> dict[str, Any]:
    """Read the words of the personal forms (both languages)."""
    return tomllib.loads((resource_dir("templates") / "forms" / "person.toml").read_text(encoding="utf-8"))


def words_in(section: str, lang: Lang) -> dict[str, Any]:
    """Return a section of the words in one language."""
    return {key: told[lang] for key, told in person_words()[section].items()}


def button(function: str, lang: Lang) -> str:
    """Return a function as the person would name it, short enough for a button."""
    return str(person_words()["button"][function][lang])


def role_title(person: Person, lang: Lang) -> str:
    """Return the person's role as the questionnaire words it, without what it explains; empty where none was chosen."""
    if person.role is None:
        return ""
    answers = method().answers["role"]
    named = answers[person.role].name if person.role in answers else method().roles[person.role].name
    return re.split(r"[:(]", named.get(lang))[0].strip()


def usual_functions(asked: Asked, person: Person, most: int) -> list[str]:
    """Return the functions that stand first on a person's form, in the order of the code list; overhead is not among them.

    What the sheet «Время» says of the person, else of the role's people, largest share first; then what is the role's
    own by the norm, then what it may do; then operational work. At least a third is operational work: a form that hides
    it would not find it.
    """
    m = method()
    said = _said(asked, person)
    roles = person.roles or (seller_of_type(asked.norm.types[0]),)
    kinds = {f: asked.norm.of_function(f, roles).kind for f in m.functions}
    own = [f for kind in ("own", "allowed") for f in m.functions if kinds[f] == kind]
    ranked = [f for f in dict.fromkeys([*said, *own]) if m.functions[f].group != "OVHD"]
    daily = [f for f in m.functions_of("OPER") if asked.norm.in_conveyor(f)]
    operational = list(dict.fromkeys([*(f for f in ranked if m.functions[f].group == "OPER"), *daily]))
    others = [f for f in ranked if m.functions[f].group != "OPER"]
    least = min(len(operational), -(-most // 3))
    first = others[: most - least]
    first += operational[: most - len(first)]
    return [f for f in m.functions if f in first]


def _said(asked: Asked, person: Person) -> list[str]:
    if not asked.questionnaire.has("time"):
        return []
    time = asked.questionnaire.table("time")
    time = time[time["function"].isin(list(method().functions))]
    mine = time[time["person"] == person.code]
    if mine.empty and person.role is not None:
        staff = asked.questionnaire.table("staff")
        family = [r in method().roles and family_of(r) == family_of(person.role) for r in staff["role"].fillna("")]
        mine = time[time["person"].isin(list(staff["person"][family]))]
    shares = mine.groupby("function")["share"].sum()
    return [str(f) for f in shares[shares > 0].sort_values(ascending=False, kind="stable").index]


_CLIENTS = """
SELECT c.client_key, min(l.client_id) AS client_id, min(c.client_name) AS client_name, max(c.last_day) AS last_day
FROM lines l JOIN clients c ON l.client_key = c.client_key
WHERE l.manager = {{ lit(manager) }} AND c.client_name IS NOT NULL
GROUP BY c.client_key
ORDER BY last_day DESC NULLS LAST, c.client_key ASC
"""


def _clients(asked: Asked, person: Person) -> list[list[str]] | None:
    """Return code and name of the person's own clients, by name; None where nobody asked for names."""
    if not asked.clients or asked.case is None:
        return None
    rows = asked.case.query(_CLIENTS, manager=person.code).head(MOST_CLIENTS).to_dict("records")
    found = [(str(r["client_id"] or r["client_key"]), str(r["client_name"])) for r in rows]
    times = Counter(name.casefold() for _, name in found)
    # of one name there may be several: they are told apart by code
    shown = ([code, f"{name} ({code})" if times[name.casefold()] > 1 else name] for code, name in found)
    return sorted(shown, key=lambda c: c[1].casefold())


def write_day_pages(asked: Asked) -> list[Path]:
    """Write the photographed working day as a page for each person: ``day_log_<code>.html``."""
    return _write(asked, "day", "day_log")


def write_time_pages(asked: Asked) -> list[Path]:
    """Write the personal time sheet as a page for each person: ``time_<code>.html``."""
    return _write(asked, "time", "time")


def _write(asked: Asked, kind: Kind, table: str) -> list[Path]:
    names = file_names(p.code for p in asked.people)
    out = []
    for person in asked.people:
        path = asked.folder / f"{table}_{names[person.code]}.html"
        path.write_text(page(asked, person, kind, names[person.code]), encoding="utf-8", newline="\n")
        out.append(path)
    return out


def page(asked: Asked, person: Person, kind: Kind, file: str) -> str:
    """Return one person's form."""
    m, lang = method(), asked.lang
    words = words_in("day", lang) | (words_in("time", lang) if kind == "time" else {})
    large = [*usual_functions(asked, person, LARGE[kind]), MEETING]
    shown = [f for f in m.functions if kind == "day" or f != BREAK]
    clients = _clients(asked, person) if kind == "day" else None
    company = asked.questionnaire.company.get("name") or ""
    told: dict[str, Any] = {
        "code": person.code,
        "file": file,
        "key": f"km-audit.{kind}.{hashlib.sha256(f'{company}|{person.code}'.encode()).hexdigest()[:12]}",
        "lang": lang,
        "hours": person.hours,
        "least": _least_minutes(asked, person),
        "functions": [[f, button(f, lang), m.functions[f].name.get(lang), m.functions[f].group] for f in shown],
        "groups": [[code, _capital(g.name.get(lang))] for code, g in m.groups.items()],
        "large": large,
        "clients": clients,
        "words": {k: v for k, v in words.items() if isinstance(v, str)},
    }
    style, script = f"{css_tokens()}\n{_part('form.css')}", f"{_part('form.js')}\n{_part(f'{kind}.js')}"
    privacy = words["privacy"].format(code=person.code)
    return _template().render(
        kind=kind,
        lang=lang,
        w=words,
        shown=person.shown,
        role=role_title(person, lang),
        clients=clients,
        privacy=f"{privacy} {words['privacy_clients']}" if clients else privacy,
        scale=words["scale"].format(all=f"{person.hours:g}") if kind == "time" else "",
        form=json.dumps(told, ensure_ascii=False, separators=(",", ":")),
        style=Markup(style),
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
    )


def _least_minutes(asked: Asked, person: Person) -> int:
    """Return from how many logged minutes a day of this person counts."""
    thresholds = method().thresholds if asked.case is None else asked.case.thresholds
    full = asked.questionnaire.hours_per_month()
    part = min(person.hours / full, 1.0) if full else 1.0
    return round(60 * thresholds.value("roles.day_log_min_hours_day") * part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _part(name: str) -> str:
    return (resource_dir("templates") / "forms" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(resource_dir("templates") / "forms", encoding="utf-8")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("form.html.j2")
