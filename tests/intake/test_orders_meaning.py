"""What the values mean: clients at every level, persons, statuses, kinds, percent, currencies, corrections, control."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd

from audit.errors import InputError
from audit.model.questionnaire import Questionnaire
from tests.intake.reading import read, refuses, write

HEAD = "order_id;order_date;client_id;client;amount"


def staff(*rows: tuple[str, str, tuple[str, ...]]) -> Questionnaire:
    frame = pd.DataFrame(rows, columns=["person", "name", "aliases"])
    return Questionnaire(tables={"staff": frame})


def test_inn_is_the_key_and_keeps_its_zero(tmp_path: Path) -> None:
    # 0107083893 has right check digits? 0*2+1*4+0*10+7*3+0*5+8*9+3*4+8*6+9*8 = 4+21+72+12+48+72 = 229; 229 % 11 = 9
    text = (
        "Номер;Дата;ИНН;Контрагент;Сумма\n1;01.02.2024;7707083893;ООО А;10\n2;02.02.2024;7707083893/770101001;А;10\n"
        '3;03.02.2024;107083899;ООО Б;10\n4;04.02.2024;;"ООО ""Б""";10\n5;05.02.2024;;ООО Новый;10\n'
    )
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.column("client_key") == ["7707083893", "7707083893", "0107083899", "0107083899", "новый"]
    assert result.column("client_id") == ["7707083893", "7707083893", "0107083899", None, None]


def test_clients_without_a_code_are_told_by_normalised_name(tmp_path: Path) -> None:
    text = (
        "Номер;Дата;Контрагент;Сумма\n1;01.02.2024;ООО «Василёк Плюс»;10\n2;01.02.2024;василек  плюс, ооо;10\n"
        "3;01.02.2024;Плюс Василек;10\n4;01.02.2024;ИП Иванов;10\n5;01.02.2024;ООО Иванов;10\n"
    )
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    keys = result.column("client_key")
    assert keys[0] == keys[1] == keys[2] == "василек плюс"
    assert keys[3] != keys[4]


def test_levels_of_the_client(tmp_path: Path) -> None:
    text = (
        "Номер;Дата;Партнер;Контрагент;ИНН;Холдинг;Сумма\n"
        "1;01.02.2024;Ромашка;ООО Ромашка-Юг;7707083893;ГК Цветы;10\n"
        "2;01.02.2024;Ромашка;ООО Ромашка-Север;7736050003;ГК Цветы;10\n"
        "3;01.02.2024;Тюльпан;ООО Тюльпан;;ГК Цветы;10\n4;01.02.2024;Дуб;ООО Дуб;;;10\n"
    )
    path = write(tmp_path / "o.csv", text)
    wanted = {
        "client": ["ромашка", "ромашка", "тюльпан", "дуб"],
        "legal_entity": ["7707083893", "7736050003", "тюльпан", "дуб"],
        "holding": ["цветы", "цветы", "цветы", "дуб"],
    }
    for level, keys in wanted.items():
        assert read(path, tmp_path / "out", {"level": {"client": level}}).column("client_key") == keys


def test_persons_are_resolved_by_word_and_never_by_likeness(tmp_path: Path) -> None:
    rows = [
        "Иванов Иван Иванович (Менеджер)",
        "Иванов И.И.",
        "ivanov",
        "[12] Петров Пётр",
        "Сидоров С.",
        "Администратор",
    ]
    text = "Номер;Дата;Контрагент;Сумма;Менеджер;Автор\n" + "".join(
        f"{i};01.02.2024;А;100;{r};Обмен с сайтом\n" for i, r in enumerate(rows)
    )
    people = staff(("K1", "Иванов Иван Иванович", ("ivanov",)), ("K2", "Петров Пётр Петрович", ()))
    result = read(
        write(tmp_path / "o.csv", text), tmp_path / "out", {"people": {"alias": {"Сидоров С.": "K3"}}}, people
    )
    assert result.column("manager") == ["K1", "Иванов И.И.", "K1", "[12] Петров Пётр", "K3", "SYS"]
    assert set(result.column("created_by")) == {"SYS"}
    uses = {p.spelling: p for p in result.report.people if p.field == "manager"}
    assert (uses["Иванов И.И."].how, uses["Иванов И.И."].proposal, uses["Иванов И.И."].person) == (
        "proposed",
        "K1",
        None,
    )
    assert (uses["[12] Петров Пётр"].how, uses["[12] Петров Пётр"].proposal) == ("proposed", "K2")
    assert uses["ivanov"].how == "known" and uses["Администратор"].how == "system"
    # every spelling has one row of 100 out of 600
    assert all(p.rows == 1 and abs(p.revenue_share - 100 / 600) < 1e-12 for p in uses.values())


def test_without_a_questionnaire_a_fuller_spelling_is_proposed(tmp_path: Path) -> None:
    text = (
        "Номер;Дата;Контрагент;Сумма;Менеджер\n1;01.02.2024;А;100;Иванов И.И.\n"
        "2;01.02.2024;А;100;Иванов Иван Иванович\n3;01.02.2024;А;100;Иванова И.И.\n"
    )
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert {p.spelling: p.proposal for p in result.report.people} == {
        "Иванов И.И.": "Иванов Иван Иванович",
        "Иванов Иван Иванович": None,
        "Иванова И.И.": None,
    }


def test_namesakes_are_not_resolved(tmp_path: Path) -> None:
    text = "Номер;Дата;Контрагент;Сумма;Менеджер\n1;01.02.2024;А;100;Иванов Иван\n"
    people = staff(("K1", "Иванов Иван", ()), ("K2", "Иванов Иван", ()))
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out", None, people)
    assert result.column("manager") == ["Иванов Иван"]
    assert result.report.people[0].how == "unknown"


def test_statuses_kinds_initiators_and_own_cancelled_words(tmp_path: Path) -> None:
    text = (
        f"{HEAD};Статус;Вид документа;Инициатор\n"
        "1;2024-01-01;C;;100;Закрыт;Реализация;Входящий\n2;2024-01-01;C;;100;К отгрузке;Возврат от клиента;Менеджер\n"
        "3;2024-01-01;C;;-30;Отгружен частично;возврат;Робот\n4;2024-01-01;C;;100;Отменён;Реализация;\n"
        "5;2024-01-01;C;;100;Закрыт;Перемещение товаров;\n6;2024-01-01;C;;100;Потерян;Реализация;\n"
        "7;2024-01-01;C;;100;Загадка;Реализация;\n"
    )
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out", {"reading": {"cancelled": ["потерян"]}})
    assert result.column("order_id") == ["1", "2", "3", "7"]
    assert result.column("status") == ["closed", "open", "open", None]
    assert result.column("kind") == ["sale", "return", "return", "sale"]
    assert result.column("amount") == [
        Decimal("100.0000"),
        Decimal("-100.0000"),
        Decimal("-30.0000"),
        Decimal("100.0000"),
    ]
    assert result.column("initiator") == ["IN", "OUT", "SYS", None]
    assert result.reasons() == {"internal": 1, "cancelled": 2}
    assert any("Загадка" in n.ru for n in result.report.notes)
    assert result.report.counts["returns"] == 2 and result.report.counts["unlinked_returns"] == 2


def test_percent_runs_to_one_or_to_a_hundred(tmp_path: Path) -> None:
    head = f"{HEAD};% отгрузки\n"
    percent = read(
        write(tmp_path / "a.csv", head + "1;2024-01-01;C;;1;100\n2;2024-01-01;C;;1;50\n3;2024-01-01;C;;1;\n"),
        tmp_path / "out",
    )
    assert percent.column("shipped_pct") == [1.0, 0.5, None]
    share = read(write(tmp_path / "b.csv", head + "1;2024-01-01;C;;1;1\n2;2024-01-01;C;;1;0.5\n"), tmp_path / "out")
    assert share.column("shipped_pct") == [1.0, 0.5]
    signs = read(write(tmp_path / "c.csv", head + "1;2024-01-01;C;;1;1%\n"), tmp_path / "out")
    assert signs.column("shipped_pct") == [0.01]


def test_flags_of_every_kind(tmp_path: Path) -> None:
    values = ["1", "0", "Да", "нет", "", "брак плёнки", "12.03.2024", "—", "Истина", "Ложь", "+"]
    text = f"{HEAD};Рекламация\n" + "".join(f"{i};2024-01-01;C;;1;{v}\n" for i, v in enumerate(values))
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.lines["complaint"].tolist() == [True, False, True, False, False, True, True, False, True, False, True]


def test_rows_in_another_currency_are_set_aside_and_asked(tmp_path: Path) -> None:
    text = (
        f"{HEAD};Валюта\n1;2024-01-01;C;;100;руб.\n2;2024-01-01;C;;100;RUB\n3;2024-01-01;C;;5;USD\n4;2024-01-01;C;;7;\n"
    )
    path = write(tmp_path / "o.csv", text)
    result = read(path, tmp_path / "out")
    assert result.column("currency") == ["RUB", "RUB", None]
    assert result.reasons() == {"foreign_currency": 1}
    assert result.report.questions[0].answer == '[company]\ncurrency = "RUB"'
    assert read(path, tmp_path / "out", {"company": {"currency": "USD"}}).column("order_id") == ["3", "4"]


def test_merge_and_fix_with_their_expectations(tmp_path: Path) -> None:
    rows = [
        "1;2024-01-01;C1;ООО А;100",
        "2;2024-01-01;C2;ООО А (стар.);50",
        "3;2024-01-01;C2;;25",
        "4;2042-01-01;C1;;7",
    ]
    text = "\n".join([HEAD, *rows]) + "\n"
    path = write(tmp_path / "o.csv", text)
    merge = {"client": "C2", "into": "C1", "reason": "один клиент", "expect": {"rows": 2, "revenue": 75.0}}
    fix = {"order_id": "4", "field": "order_date", "was": "2042-01-01", "becomes": "2024-01-02", "reason": "описка"}
    result = read(path, tmp_path / "out", {"corrections": {"merge": [merge], "fix": [fix]}})
    assert result.column("client_key") == ["C1"] * 4
    assert set(result.column("client_name")) == {"ООО А"}
    assert result.column("order_date")[3] == dt.date(2024, 1, 2)
    assert sum("один клиент" in n.ru or "описка" in n.ru for n in result.report.notes) == 2
    stale = [
        merge | {"expect": {"rows": 3}},
        merge | {"expect": {"revenue": 74.0}},
        merge | {"client": "C9", "expect": {}},
    ]
    for wrong in stale:
        with refuses(InputError, "the source has changed"):
            read(path, tmp_path / "out", {"corrections": {"merge": [wrong]}})
    with refuses(InputError, "the source has changed"):
        read(path, tmp_path / "out", {"corrections": {"fix": [fix | {"was": "2041-01-01"}]}})


def test_control_sum_agrees_or_the_difference_is_shown(tmp_path: Path) -> None:
    body = "Номер;Дата;Контрагент;Сумма;Статус\n1;01.02.2024;А;100;Закрыт\n2;01.02.2024;А;50;Отменен\n"
    fits = read(write(tmp_path / "a.csv", body + "Итого;;;100;\n"), tmp_path / "out").report.control_sums[0]
    assert (fits.stated, fits.counted, fits.agrees) == (100.0, 100.0, True)
    every = read(write(tmp_path / "b.csv", body + "Итого;;;150;\n"), tmp_path / "out").report.control_sums[0]
    assert (every.stated, every.counted, every.agrees) == (150.0, 150.0, True) and "отложенные" in every.label
    off = read(write(tmp_path / "c.csv", body + "Итого;;;300;\n"), tmp_path / "out").report.control_sums[0]
    assert (off.stated, off.counted, off.agrees) == (300.0, 100.0, False)


def test_documents_in_two_files_are_asked_about_or_dropped(tmp_path: Path) -> None:
    head = "order_id,order_date,client_id,amount,sku\n"
    write(tmp_path / "a.csv", head + "1,2024-01-01,C,10,x\n1,2024-01-01,C,5,y\n2,2024-01-02,C,7,x\n")
    write(
        tmp_path / "b.csv", head + "1,2024-01-01,C,5,y\n1,2024-01-01,C,10,x\n2,2024-01-02,C,8,x\n3,2024-01-03,C,1,x\n"
    )
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    asked = read(files, tmp_path / "out")
    assert asked.report.rows_used == 7
    question = asked.report.questions[0]
    assert question.answer == '[reading]\nduplicates = "later"', "document 2 was corrected in between"
    assert [o.lines for o in question.others] == [f'[reading]\nduplicates = "{v}"' for v in ("earlier", "drop", "keep")]
    later = read(files, tmp_path / "out", {"reading": {"duplicates": "later"}})
    assert later.report.revenue == 10 + 5 + 8 + 1 and later.report.questions == ()
    kept = read(files, tmp_path / "out", {"reading": {"duplicates": "keep"}})
    assert kept.report.rows_used == 7 and kept.report.questions == ()
    dropped = read(files, tmp_path / "out", {"reading": {"duplicates": "drop"}})
    # document 1 is the same in both files, document 2 differs in its amount and stays twice
    assert dropped.report.revenue == 10 + 5 + 7 + 8 + 1
    assert dropped.reasons() == {"duplicate_document": 2}
    assert [(r["file"], r["row"]) for r in dropped.rejected] == [("b.csv", "2"), ("b.csv", "3")]


def test_suspected_duplicate_clients_are_listed_and_not_applied(tmp_path: Path) -> None:
    names = ["ООО Промторг", "ООО Пром Торг", "Ромашка-Сервис", "Рамашка Сервис", "Клиент 12", "Клиент 13", "Дуб"]
    text = "Номер;Дата;Контрагент;Сумма\n" + "".join(f"{i};01.02.2024;{n};100\n" for i, n in enumerate(names))
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    pairs = {frozenset((d.name_a, d.name_b)) for d in result.report.duplicate_clients}
    assert pairs == {frozenset(names[:2]), frozenset(names[2:4])}
    assert result.lines["client_key"].nunique() == len(names)


def test_the_same_name_under_two_codes_is_suspected(tmp_path: Path) -> None:
    text = f"{HEAD}\n1;2024-01-01;C1;ООО Альфа;10\n2;2024-01-01;C2;Альфа;20\n"
    found = read(write(tmp_path / "o.csv", text), tmp_path / "out").report.duplicate_clients
    assert [(d.client_a, d.client_b, d.similarity, d.revenue_a, d.revenue_b) for d in found] == [
        ("C1", "C2", 1.0, 10.0, 20.0)
    ]


def test_gaps_duplicates_and_coverage_are_counted(tmp_path: Path) -> None:
    text = f"{HEAD};Менеджер\n1;2024-01-05;C;;100;Иванов\n1;2024-01-05;C;;100;Иванов\n2;2024-04-05;C;;300;\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    # January and April have orders, February and March have none; 200 of 500 carry a manager
    assert result.report.counts["gap_months"] == 2
    assert result.report.counts["duplicate_lines"] == 1
    assert result.report.field_coverage["manager"] == 0.4


def test_rejected_values_cannot_become_formulas(tmp_path: Path) -> None:
    text = f'{HEAD}\n1;2024-01-01;C;;=cmd|calc\n2;@SUM(A1);C;;5\n3;2024-01-01;C;;5\n4;2024-01-01;C;;"-2+3+cmd"\n'
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert [r["value"] for r in result.rejected] == ["'=cmd|calc", "'@SUM(A1)", "'-2+3+cmd"]
