"""Words that are kept out of everything a client reads, and the frame's own words."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from audit.cli import _MARKS
from audit.errors import Lang, Text
from audit.intake.questionnaire.cells import code
from audit.method import method
from audit.model.questionnaire import TABLES
from audit.model.result import Metric
from audit.present.explain import explain_id
from audit.present.format import Fmt
from audit.present.narrative import Narrative, narrative_source
from audit.present.style import STATUS
from audit.present.views import lower_first
from tests.wording import forbidden

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
COMMENT = re.compile(r"^#.*$", re.MULTILINE)


def _sentences(table: object, lang: Lang) -> list[str]:
    """Return every text of one language in a table of sentences, of a room or of a form."""
    if isinstance(table, str):
        return []
    if isinstance(table, list):
        return [s for item in table for s in _sentences(item, lang)]
    if not isinstance(table, dict):
        return []
    out = []
    for key, value in table.items():
        if isinstance(value, str) and (key == lang or key.endswith(f"_{lang}")):
            out.append(value)
        elif isinstance(value, list) and key == lang:
            out += [v for v in value if isinstance(v, str)]
        else:
            out += _sentences(value, lang)
    return out


TOML = sorted(
    [
        *(ROOT / "templates").glob("narrative/*.toml"),
        *(ROOT / "templates").glob("forms/*.toml"),
        *(ROOT / "audit" / "chapters").glob("*/room.toml"),
        *(ROOT / "audit" / "method" / "data").glob("*.toml"),
    ]
)


@pytest.mark.parametrize("path", TOML, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_sentence_of_the_data_says_a_forbidden_word(path: Path) -> None:
    """What fills a sentence is left out: it is finished values."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    langs: tuple[Lang, ...] = ("ru", "en")
    assert [h for lang in langs for s in _sentences(table, lang) for h in forbidden(TEMPLATE.sub("1", s), lang)] == []


PAGES = sorted(
    [
        *ROOT.glob("README*.md"),
        *(path for name in ("executive", "glossary", "consultant") for path in (ROOT / "docs").glob(f"{name}*.md")),
        *(ROOT / "templates" / "forms").glob("letter_*.j2"),
    ]
)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_no_page_for_a_client_says_a_forbidden_word(path: Path) -> None:
    lang: Lang = "ru" if ".ru." in path.name or "_ru" in path.name else "en"
    assert forbidden(TEMPLATE.sub("1", path.read_text(encoding="utf-8")), lang) == []


LABEL = re.compile(r'f?"((?:[^"\\\n]|\\.)*[а-яё](?:[^"\\\n]|\\.)*)"', re.IGNORECASE)


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "audit" / "present").rglob("*.py"), *(ROOT / "audit" / "chapters").rglob("*.py")]),
    ids=lambda p: f"{p.parent.name}-{p.stem}",
)
def test_no_russian_text_of_the_code_says_a_forbidden_word(path: Path) -> None:
    """Every literal with a Cyrillic letter outside docstrings is something that a reader may see."""
    source = re.sub(r'"""(?:.|\n)*?"""', "", path.read_text(encoding="utf-8"))
    source = re.sub(r"(?m)#.*$", "", source)
    texts = [m.group(1) for m in LABEL.finditer(source)]
    # literals that a rule looks for in a client's file are no words of ours
    assert [h for t in texts for h in forbidden(t.replace("{", "1").replace("}", ""), "ru")] == []


def test_a_verdict_has_one_mark_everywhere() -> None:
    """The terminal and the report show the same mark; no two verdicts share one."""
    assert {s: m.shape for s, m in STATUS.items()} == _MARKS
    assert len(set(_MARKS.values())) == len(_MARKS)
    assert STATUS["unclear"].word.ru == "нельзя сказать"
    assert STATUS["unclear"].word.en == "cannot tell"


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_target_is_a_sentence(lang: Lang) -> None:
    words = Narrative(lang, Fmt(lang))
    for action in method().actions.values():
        if action.metric is not None:
            said = words.target(action.metric, action.target)
            assert not re.search(r"[≤≥]|\{|—$", said), said
            assert said[0].isupper() or said[0] in "«“", said


def test_a_target_names_its_limit() -> None:
    assert (
        Narrative("ru", Fmt("ru")).target("roles.km_operational_share", 0.2)
        == "Операционная работа за других занимает у КМ не больше 20\u00a0% времени"
    )
    # a metric without a sentence of its own is told in general words
    assert Narrative("en", Fmt("en")).target("service.return_share", 0.02) == "Returns to sales: at most 2%"


COUNTED = re.compile(r"fmt\.(?:count|plural)\(")


def _arguments(text: str, start: int) -> list[str]:
    """Return the arguments of a call whose bracket opens before ``start``."""
    out, depth, quote, part = [], 0, "", ""
    for c in text[start:]:
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([":
            depth += 1
        elif c == ")" and depth == 0:
            break
        elif c in ")]":
            depth -= 1
        elif c == "," and depth == 0:
            out.append(part.strip())
            part = ""
            continue
        part += c
    return [*out, part.strip()]


@pytest.mark.parametrize("path", sorted((ROOT / "templates" / "narrative").glob("*.toml")), ids=lambda p: p.stem)
def test_every_counted_word_has_its_forms(path: Path) -> None:
    """One, few, many in Russian; one, other in English."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for lang, wanted in (("ru", 3), ("en", 2)):
        for sentence in _sentences(table, lang):
            for call in COUNTED.finditer(sentence):
                forms = [a for a in _arguments(sentence, call.end())[1:] if "=" not in a]
                assert len(forms) == wanted, f"{lang}: {sentence[call.start() : call.end() + 90]}"


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (1, "Выявлена одна проблема: а"),
        (2, "Выявлены две проблемы: а; б"),
        (5, "Выявлено 5\u00a0проблем, главные: а; б"),
        (11, "Выявлено 11\u00a0проблем, главные: а; б"),
        (21, "Выявлена 21\u00a0проблема, главные: а; б"),
        (22, "Выявлены 22\u00a0проблемы, главные: а; б"),
        (101, "Выявлена 101\u00a0проблема, главные: а; б"),
    ],
)
def test_the_verdict_agrees_with_its_number(n: int, said: str) -> None:
    values = {"found": n, "first": "а", "second": "" if n == 1 else "б"}
    assert str(Narrative("ru", Fmt("ru")).section("summary", "verdict", "found", **values)) == f"{said}."


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (1, "постоянный клиент молчит"),
        (2, "постоянных клиента молчат"),
        (5, "постоянных клиентов молчат"),
        (11, "постоянных клиентов молчат"),
        (21, "постоянный клиент молчит"),
        (22, "постоянных клиента молчат"),
        (101, "постоянный клиент молчит"),
    ],
)
def test_a_sentence_agrees_with_its_number(n: int, said: str) -> None:
    text = narrative_source("ru", "retention")["findings"]["sleeping_clients"]["text"]["clear"]
    facts = {"clients": n, "value": 0.02, "low": 0.01, "high": 0.03, "watch": 0.1}
    assert f"{n}\u00a0{said}" in str(Narrative("ru", Fmt("ru")).say(text, f=facts))


def test_a_title_in_a_sentence_has_no_capital() -> None:
    assert lower_first("У 59\u00a0% ключевых клиентов нет плана") == "у 59\u00a0% ключевых клиентов нет плана"
    assert lower_first("У\u00a0двоих") == "у\u00a0двоих"
    assert lower_first("Клиенты уходят") == "клиенты уходят"
    assert lower_first("КМ перегружены") == "КМ перегружены"


def test_no_two_sheets_of_the_annex_share_a_name() -> None:
    """A second one would become «… (2)»."""
    sheets: list[Text] = []
    for chapter in method().chapters.values():
        sheets += import_module(f"audit.chapters.{chapter.room}.sections").SHEET_NAMES.values()
    assert sheets
    for names in ([s.ru for s in sheets], [s.en for s in sheets]):
        assert [n for n in names if names.count(n) > 1] == []


def _title(finding: str, status: str, **facts: object) -> str:
    room, name = finding.split(".", 1)
    text = narrative_source("ru", room)["findings"][name]["title"][status]
    return str(Narrative("ru", Fmt("ru")).say(text, f=facts))


def test_titles_say_only_what_is_so() -> None:
    """A title that praises is printed where it is true; the facts decide."""
    led = {"value": 0.04, "watch": 0.1}
    assert _title("roles.owner_runs_keys", "clear", led=0, **led) == "Первые лица ключевых клиентов не ведут"
    assert "ведут немногих" in _title("roles.owner_runs_keys", "clear", led=2, **led)
    assert "подчинена продажам" in _title("model.support_misplaced", "clear", sits="inside", fast=True)
    assert "не подчинена продажам" in _title("model.support_misplaced", "clear", sits="outside", fast=True)
    assert _title("keys.no_backup", "clear", clients=0) == "У каждого ключевого клиента есть дублёр"
    assert _title("keys.no_backup", "clear", clients=2) == "Почти у всех ключевых клиентов есть дублёр"
    half = {"found": 0.6, "watch": 0.4, "norm": 0.67}
    assert "меньше половины" in _title("retention.leaky_first_purchase", "found", value=0.48, **half)
    assert "меньше половины" not in _title("retention.leaky_first_purchase", "found", value=0.55, **half)
    assert "У большинства" in _title("ownership.single_owner", "clear", value=0.3, **half)
    assert "У большинства" not in _title("ownership.single_owner", "clear", value=0.55, **half)


def test_a_market_for_decades_is_no_limit() -> None:
    text = narrative_source("ru", "model")["sections"]["market"]["lead"]

    def said(years: float) -> str:
        reserve = Metric("model.market_reserve", years, "years", extra={"new_a_year": 67})
        return str(Narrative("ru", Fmt("ru")).say(text, m=SimpleNamespace(market_reserve=reserve)))

    assert (
        said(84.0)
        == "Рынок не ограничивает рост: при нынешнем темпе (67\u00a0новых клиентов в год) его хватит на десятилетия."
    )
    assert "через 6\u00a0лет" in said(6.0)


def test_a_filled_form_may_carry_the_older_name_of_a_function() -> None:
    column = TABLES["time"].column("function")
    assert code("Проталкивание заказа через производство", column) == "OPS_CHASE"
    assert code("Контроль исполнения заказа в производстве", column) == "OPS_CHASE"
    assert code("Дебиторка, сверки, контроль оплат", column) == "OPS_AR"


def test_a_difference_of_shares_is_told_in_points() -> None:
    fmt = Fmt("ru")
    assert fmt.value(0.09, "points") == "+9\u00a0п.\u00a0п."
    assert fmt.between(-0.01, 0.2, "points") == "−1…+20\u00a0п.\u00a0п."
    assert {method().metrics[m].unit for m in ("handoff.loss_difference", "service.failure_loss")} == {"points"}


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_a_target_is_the_same_sentence_wherever_it_is_said(lang: Lang) -> None:
    for id, action in method().actions.items():
        if action.metric is not None and action.target is not None:
            said = Narrative(lang, Fmt(lang)).target(action.metric, action.target)
            assert said in str(explain_id(id, lang)), id
