"""Fixed words of the report's frame in both languages: headings of the document, labels of cards and tables."""

from __future__ import annotations

import re

from audit.errors import Lang, Text

__all__ = ["WORDS", "lower_first", "source_text", "word"]

WORDS: dict[str, Text] = {
    # document
    "report_title": Text("Аудит продаж и клиентской базы", "Audit of sales and the client base"),
    "confidential": Text("Конфиденциально", "Confidential"),
    "prepared_by": Text("Подготовил", "Prepared by"),
    "prepared_for": Text("Подготовлено для", "Prepared for"),
    "period": Text("Период", "Period"),
    "as_of": Text("Данные на", "Data as of"),
    "dated": Text("Дата отчёта", "Report date"),
    "sale_type": Text("Тип продаж", "Type of sale"),
    "no_company": Text("Компания не названа", "Company not named"),
    "sale_type_by_orders": Text("не заявлен; по заказам — {name}", "not declared; by the orders: {name}"),
    "logo": Text("логотип", "logo"),
    "picture_lost": Text("Картинка не читается.", "The picture cannot be read."),
    "not_on_paper": Text(
        "Здесь в ноутбуке есть то, что работает только в браузере (скрипт, виджет); в отчёт оно не входит.",
        "Here the notebook has something that works in a browser only (a script, a widget): the report cannot hold it.",
    ),
    "contents": Text("Содержание", "Contents"),
    "executive": Text("Главное", "In brief"),
    "skip": Text("К содержанию отчёта", "Skip to the report"),
    "to_top": Text("Наверх", "Back to top"),
    "page": Text("с.", "p."),
    "of": Text("из", "of"),
    "scorecard": Text("Карта оценок", "Scorecard"),
    "appendix": Text("Приложение", "Appendix"),
    "definitions": Text("Показатели: что и как посчитано", "Measures: what is computed, and how"),
    "thresholds": Text("Пороги, по которым вынесены оценки", "Thresholds behind the verdicts"),
    "glossary": Text("Словарь", "Glossary"),
    "unassessed": Text("Что оценить не удалось", "What could not be assessed"),
    "about_data": Text("На каких данных построен отчёт", "The data behind this report"),
    "how_to_read": Text("Как читать оценки", "How to read the verdicts"),
    "versions": Text("Чем сделан отчёт", "What made this report"),
    # page one
    "what_is_wrong": Text("Что обнаружено", "What we found"),
    "how_sure": Text("Насколько мы уверены", "How sure we are"),
    "first_30_days": Text("Первые 30 дней", "The first 30 days"),
    # cards and tables
    "norm": Text("норма", "norm"),
    "peers": Text("Среди проверенных компаний", "Among audited companies"),
    "peers_lead": Text(
        "Место среди других компаний с тем же типом продаж, которые прошли этот аудит; в каждой строке их {n}. "
        "Это не норма: аудит заказывают те, у кого есть причина.",
        "The place among other companies with the same type of sale that went through this audit; {n} of them in each "
        "row. This is no norm: who asks for an audit has a reason to.",
    ),
    "peers_metric": Text("Показатель", "Measure"),
    "peers_value": Text("У вас", "Yours"),
    "peers_median": Text("Медиана", "Median"),
    "peers_half": Text("Средняя половина", "Middle half"),
    "peers_place": Text("Место", "Place"),
    "peers_among": Text("лучше, чем у {k} из {n}", "better than {k} of {n}"),
    "benchmark": Text("ориентир", "benchmark"),
    "interval": Text("интервал 95 %", "95% interval"),
    "effect": Text("Цена", "Worth"),
    "effect_gross_profit": Text("валовой прибыли", "of gross profit"),
    "effect_revenue": Text("выручки", "of revenue"),
    "grade": Text("Доказательность", "Evidence"),
    "grade_short": Text("Доказ.", "Evidence"),
    "scale": Text("Относительно границ", "Against the limits"),
    "based_on": Text("Наблюдений", "Based on"),
    "actions": Text("Что делать", "What to do"),
    "owner": Text("Кто", "Owner"),
    "action": Text("Действие", "Action"),
    "moves": Text("Как изменится сумма", "How the sum may change"),
    "first_step": Text("Первый шаг", "First step"),
    "when": Text("Срок", "When"),
    "proof": Text("Цель", "Target"),
    "effort": Text("Усилия", "Effort"),
    "effort_low": Text("малые", "low"),
    "effort_medium": Text("средние", "medium"),
    "effort_high": Text("большие", "high"),
    "within_days": Text("до {n} дней", "within {n} days"),
    "finding": Text("Вывод", "Finding"),
    "status": Text("Оценка", "Verdict"),
    "severity": Text("Значимость", "Severity"),
    "figure": Text("Значение", "Figure"),
    "measure": Text("Показатель", "Measure"),
    "definition": Text("Определение", "Definition"),
    "formula": Text("Формула", "Formula"),
    "source": Text("Источник", "Source"),
    "usual_source": Text(
        "Где источник не назван, действует значение по умолчанию; любое из них можно изменить в audit.toml.",
        "Where no source is named the method's default applies; each can be changed in audit.toml.",
    ),
    "unit": Text("Единица", "Unit"),
    "limits_of_findings": Text(
        "Границы оценок: ◆ под наблюдением, ● выявлено", "Limits of the verdicts: ◆ watch, ● found"
    ),
    "left_out": Text("Не показано: {sections}. {reason}.", "Left out: {sections}. {reason}."),
    "parameters": Text("Параметры расчёта", "Parameters of the calculations"),
    "threshold": Text("Порог", "Threshold"),
    "watch_from": Text("Наблюдать с", "Watch from"),
    "found_from": Text("Выявлено с", "Found from"),
    "in_force": Text("Действует", "In force"),
    "overridden": Text("изменён для этого аудита", "changed for this audit"),
    "reason": Text("Почему", "Why"),
    "term": Text("Термин", "Term"),
    "meaning": Text("Значение", "Meaning"),
    "chapter": Text("Глава", "Chapter"),
    "norm_named": Text("норма — {norm}", "norm: {norm}"),
    "norm_least": Text("не ниже {value}", "at least {value}"),
    "norm_most": Text("не выше {value}", "at most {value}"),
    "in_annex": Text(
        "Список целиком — на листе «{sheet}» файла annex.xlsx", "The whole list is on sheet “{sheet}” of annex.xlsx"
    ),
    "rows_shown": Text("Показано строк: {shown} из {total}", "{shown} of {total} rows are shown"),
    "evidence_link": Text("доказательства", "evidence"),
    "empty_table": Text("Строк нет.", "No rows."),
    "chapter_failed": Text("Главу построить не удалось", "This chapter could not be built"),
    "chapter_silent": Text("Для этой главы нет данных.", "There are no data for this chapter."),
    "cell_error": Text("Ячейка {cell} остановилась с ошибкой: {error}", "Cell {cell} stopped with an error: {error}"),
    "analyst_output": Text("Дополнено аналитиком", "Added by the analyst"),
    # browser
    "folded_clear": Text("Проблем в этой главе не найдено.", "Nothing wrong was found in this chapter."),
    "folded_partly": Text(
        "Там, где данных хватило, проблем не найдено.", "Where the data sufficed, nothing wrong was found."
    ),
    "folded_blind": Text(
        "Есть ли здесь проблемы, по этим данным сказать нельзя.",
        "These data do not tell whether anything is wrong here.",
    ),
    "folded": Text(
        "Таблицы и графики главы свёрнуты: раздел открывается по заголовку.",
        "The chapter's tables and charts are folded: a click on a title opens them.",
    ),
    "glossary_terms": Text("Слова отчёта", "The words of this report"),
    "threshold_list": Text("Все пороги", "All thresholds"),
    "limits": Text("Границы", "Limits"),
    "find": Text("Найти в отчёте", "Find in the report"),
    "find_text": Text("Слово, клиент, показатель", "Word, client or measure"),
    "find_verdict": Text("Оценка", "Verdict"),
    "find_chapter": Text("Глава", "Chapter"),
    "find_any": Text("все главы", "all chapters"),
    "find_reset": Text("Сбросить", "Reset"),
    "find_link": Text(
        "Отбор хранится в адресе страницы: ссылку можно отправить.",
        "The selection is kept in the page's address: the link can be sent.",
    ),
    "open_all": Text("Развернуть всё", "Open all"),
    "fold_all": Text("Свернуть всё", "Fold all"),
    "find_told": Text(
        "Показано: выводов — {f} из {all}, разделов — {s}, строк и определений — {r}.",
        "Shown: findings {f} of {all}, sections {s}, rows and definitions {r}.",
    ),
    "find_none": Text("Ничего не нашлось.", "Nothing was found."),
    "close": Text("Закрыть", "Close"),
    "what_it_means": Text("Что это значит", "What it means"),
    "to_entry": Text("Открыть в приложении", "Open in the appendix"),
    "filter": Text("Поиск по таблице", "Filter the table"),
    "table": Text("Таблица", "Table"),
    "filter_hits": Text("строк: {n}", "rows: {n}"),
    "sort_hint": Text("сортировать", "sort"),
    "menu": Text("Содержание", "Contents"),
    # data counts
    "rows_read": Text("Строк прочитано", "Rows read"),
    "rows_used": Text("Строк использовано", "Rows used"),
    "rows_set_aside": Text("Строк отложено", "Rows set aside"),
    "orders": Text("Заказов", "Orders"),
    "order_days": Text("Дней заказа", "Order days"),
    "clients": Text("Клиентов", "Clients"),
    "revenue": Text("Выручка", "Revenue"),
    # how to read
    "read_found": Text(
        "значение за границей проблемы и с учётом погрешности остаётся за границей наблюдения",
        "the figure is beyond the limit of a problem, and its whole 95% interval is beyond the watch limit",
    ),
    "read_watch": Text(
        "значение за границей наблюдения, но до проблемы не доходит или это ещё не наверняка",
        "the figure is beyond the watch limit, but not beyond that of a problem, or not for certain",
    ),
    "read_clear": Text(
        "значение в пределах нормы и с учётом погрешности до проблемы не доходит",
        "the figure is on the good side of the limit, and its interval does not reach a problem",
    ),
    "read_unclear": Text(
        "измерено, но с учётом погрешности возможны и проблема, и её отсутствие; указано, сколько данных нужно",
        "measured, but the interval leaves room for a problem as well as for none; what it takes to tell is said",
    ),
    "read_not_assessed": Text("данных не хватает; причина названа", "the data do not suffice; the reason is given"),
    "data_page": Text(
        "Отложенные строки с причинами — в файле rejected_rows.csv, все списки и таблицы — в annex.xlsx.",
        "Rows set aside, with reasons, are in rejected_rows.csv; every list and table is in annex.xlsx.",
    ),
}


def word(key: str, lang: Lang, **values: object) -> str:
    """Return a fixed word of the frame, with ``{name}`` places filled."""
    text = WORDS[key].get(lang)
    return text.format(**values) if values else text


_EK = ("Ерохин, Климов, 2024", "Erokhin & Klimov, 2024")
_KAM = ("статья о работе с ключевыми клиентами", "article on key-account management")
_SOURCES: tuple[tuple[str, Text], ...] = (
    (r"kit default", Text("наше допущение", "our own assumption")),
    (r"field standard", Text("общепринято", "field standard")),
    (r"EK: up to 20 % can be freed", Text(f"{_EK[0]}: высвобождается до 20 %", f"{_EK[1]}: up to 20% can be freed")),
    (
        r"EK: 60-100 % on industrial markets",
        Text(f"{_EK[0]}: 60–100 % на промышленных рынках", f"{_EK[1]}: 60–100% on industrial markets"),
    ),
    (r"EK: 1, 2, 3… sales", Text(f"{_EK[0]}: 1, 2, 3… продажи", f"{_EK[1]}: 1, 2, 3… sales")),
    (r"EK tables 1, 2", Text(f"{_EK[0]}, табл. 1–2", f"{_EK[1]}, tables 1–2")),
    (r"EK table (\d)", Text(rf"{_EK[0]}, табл. \1", rf"{_EK[1]}, table \1")),
    (r"EK questions?", Text(f"{_EK[0]}, вопросы руководству", f"{_EK[1]}, questions to the management")),
    (r"EK 67 %", Text(f"{_EK[0]}: 67 %", f"{_EK[1]}: 67%")),
    (r"KAM: at most 15", Text(f"{_KAM[0]}: не более 15", f"{_KAM[1]}: at most 15")),
    (r"KAM (?:for the )?items", Text(f"{_KAM[0]} (перечень пунктов)", f"{_KAM[1]} (list of items)")),
    (r"\(related figure\)", Text("(близкий показатель)", "(related figure)")),
    (r"\(construction example\)", Text("(пример стройки)", "(construction example)")),
    (r"\(range as a task of КМ\)", Text("(ассортимент — задача КМ)", "(range as a task of the client manager)")),
    (
        r"text only, no row in table 2: union of C and S \(inferred\)",
        Text("строки в таблице 2 нет: объединение C и S — наше", "no row in table 2: the union of C and S is ours"),
    ),
    (r"\(funnel\)", Text("(воронка)", "(funnel)")),
    (r"\bEK\b", Text(*_EK)),
    (r"\bTS\b", Text("Соколова, 2014", "Sokolova, 2014")),
    (r"\bKAM\b", Text(*_KAM)),
    (r"\bShi 2017", Text("Ши и др., 2017", "Shi et al., 2017")),
    (r"\bSchmitz 2020", Text("Шмитц и др., 2020", "Schmitz et al., 2020")),
    (r"code list 11", Text("форма фотографии рабочего дня", "day-photograph form")),
    (r"noise \+|definition \+", Text("определение наше", "definition ours")),
    (r"formula \+", Text("формула наша", "formula ours")),
    (r"applying it here \+", Text("применение здесь наше", "applying it here is ours")),
    (r"rule \+", Text("правило наше", "rule ours")),
    (r"scale \+", Text("шкала наша", "scale ours")),
    (r"limit \+", Text("граница наша", "limit ours")),
    (r"matching \+", Text("подбор пар наш", "matching ours")),
    (r"by quarters \+", Text("по кварталам — наше", "by quarters ours")),
    (r"(?:^|(?<=; ))\+(?=;|$)", Text("определение наше", "definition ours")),
)
"""Codes of sources as they stand in the method, whole phrases first: a shorter pattern must not eat a part of one."""


def lower_first(title: str) -> str:
    """Return a title as the middle of a sentence: «Клиенты …» → «клиенты …», while «КМ …» stays."""
    return title[0].lower() + title[1:] if len(title) > 1 and (title[1].islower() or title[1].isspace()) else title


def source_text(source: str | None, lang: Lang) -> str:
    """Spell out a source code of the method: «EK; definition +» → «Ерохин, Климов, 2024; определение наше»."""
    out = source or ""
    for pattern, text in _SOURCES:
        out = re.sub(pattern, text.get(lang), out)
    return out


_LIST_SOURCES: tuple[tuple[str, Text], ...] = (
    (r"\bT2\b", Text("таблица 2", "table 2")),
    (r"\bT3\b", Text("таблица 3", "table 3")),
    (r"(?<!\w)Т(?!\w)", Text("текст", "text")),
    (r"Abbr\.", Text("сокращения", "abbreviations")),
)


def list_source_text(source: str, lang: Lang) -> str:
    """Spell out a source of the code lists: «T2,T3,S» → «Ерохин, Климов, 2024: таблица 2, таблица 3; Соколова, 2014».

    Remarks in brackets and numbers of steps, which the lists have in Russian only, are left out.
    """
    plain = re.sub(r"\([^)]*\)|шаги?\s[\d,\s–-]+", "", source)
    book, others = [], []
    for code in filter(None, (c.strip() for c in re.split(r"[,;]", plain))):
        told = code
        for pattern, text in _LIST_SOURCES:
            told = re.sub(pattern, text.get(lang), told)
        if told != code:
            book.append(told)
        else:
            others.append(source_text({"S": "TS", "K": "KAM"}.get(code, code), lang))
    return "; ".join([*([f"{_EK[0 if lang == 'ru' else 1]}: {', '.join(book)}"] if book else []), *others])
