"""Invented names: client companies, their people, our staff, goods. Nobody and nothing here exists.

Company names are put together from made-up roots, tax numbers carry a deliberately wrong check digit (so none
can belong to a real firm), people are random pairs of common surnames and initials.
"""

from __future__ import annotations

import numpy as np

from tools.samples.draw import Draw

ROOTS = (
    "Арвент",
    "Бельторг",
    "Виморд",
    "Гарнель",
    "Дармис",
    "Евторин",
    "Жемполь",
    "Зарунд",
    "Ирвекс",
    "Калмера",
    "Лорвик",
    "Мельтан",
    "Норбек",
    "Ольдар",
    "Пирвест",
    "Рубелан",
    "Сельмар",
    "Тарвин",
    "Ультрен",
    "Фермонт-К",
    "Хольвер",
    "Церлин",
    "Чаромет",
    "Шельба",
    "Эрвиль",
    "Юндар",
    "Ярмета",
    "Аксимел",
    "Брумель",
    "Велдора",
    "Гриндаль",
    "Дольвест",
    "Имперна",
    "Кордиль",
    "Лимбарт",
    "Маревин",
    "Нитрель",
    "Орвелла",
    "Прамекс",
    "Ронтель",
    "Сурмин",
    "Трувель",
    "Фирмель",
    "Харвест-М",
    "Эльтарин",
    "Вектрон-Д",
    "Бирюзель",
    "Кедромир",
)
TAILS = {
    "chemicals": ("Хим", "Пласт", "Лак", "Полимер", "Реагент", "Пром", "Техно", "Снаб", "Сервис", "Комплект"),
    "household": ("Торг", "Маркет", "Дом", "Опт", "Быт", "Ритейл", "Лавка", "Сеть", "Трейд", "Плюс"),
    "engineering": ("Строй", "Монтаж", "Проект", "Инвест", "Энерго", "Агро", "Мет", "Завод", "Логистик", "Тех"),
    "generic": ("Трейд", "Пром", "Групп", "Сервис", "Ресурс", "Снаб", "Техно", "Стандарт", "Комплект", "Плюс"),
}
FORMS = ("ООО «{}»", "ООО «{}»", "ООО «{}»", "ООО «{}»", "АО «{}»", "ЗАО «{}»", "ООО ТД «{}»", "ООО ПКФ «{}»")
FORMS_EN = ("{} LLC", "{} LLC", "{} LLC", "{} LLC", "{} JSC", "{} CJSC", "{} Trading LLC", "{} Group LLC")

_SURNAMES = (
    "Смирнов",
    "Кузнецов",
    "Попов",
    "Васильев",
    "Петров",
    "Соколов",
    "Михайлов",
    "Новиков",
    "Фёдоров",
    "Морозов",
    "Волков",
    "Алексеев",
    "Лебедев",
    "Семёнов",
    "Егоров",
    "Павлов",
    "Козлов",
    "Степанов",
    "Николаев",
    "Орлов",
    "Андреев",
    "Макаров",
    "Никитин",
    "Захаров",
    "Зайцев",
    "Соловьёв",
    "Борисов",
    "Яковлев",
    "Григорьев",
    "Романов",
    "Воробьёв",
    "Сергеев",
    "Кузьмин",
    "Фролов",
    "Александров",
    "Дмитриев",
    "Королёв",
    "Гусев",
    "Киселёв",
    "Ильин",
)
_MEN = ("Алексей", "Борис", "Виктор", "Геннадий", "Дмитрий", "Егор", "Игорь", "Кирилл", "Максим", "Николай")
_WOMEN = ("Анна", "Вера", "Галина", "Дарья", "Елена", "Ирина", "Ксения", "Мария", "Наталья", "Ольга")
_FATHERS = ("Андреевич", "Борисович", "Викторович", "Дмитриевич", "Евгеньевич", "Игоревич", "Львович", "Петрович")
_MOTHERS = ("Андреевна", "Борисовна", "Викторовна", "Дмитриевна", "Евгеньевна", "Игоревна", "Львовна", "Петровна")

REGIONS = ("Северный", "Приречный", "Заозёрный", "Степной", "Горный", "Лесной")
REGIONS_EN = ("Northern", "Riverside", "Lakeland", "Steppe", "Mountain", "Forest")

SEGMENTS = {
    "chemicals": ("Лакокрасочные", "Переработка пластмасс", "Бытовая химия"),
    "household": ("Магазины у дома", "Региональные сети", "Интернет-магазины"),
    "engineering": ("Пищевые производства", "Склады и логистика", "Агрокомплексы"),
    "generic": ("Малые", "Средние", "Крупные"),
}
SEGMENTS_EN = {
    "chemicals": ("Paints", "Plastics", "Household chemistry"),
    "household": ("Corner shops", "Regional chains", "Online shops"),
    "engineering": ("Food plants", "Warehouses", "Farms"),
    "generic": ("Small", "Medium", "Large"),
}

GOODS = {
    "chemicals": (
        ("Растворители", "Растворитель РС"),
        ("Смолы", "Смола СМ"),
        ("Пигменты", "Пигмент П"),
        ("Добавки", "Добавка Д"),
        ("Наполнители", "Наполнитель Н"),
        ("Отвердители", "Отвердитель О"),
    ),
    "household": (
        ("Чистящие средства", "Средство Ч"),
        ("Бумажная продукция", "Бумага Б"),
        ("Посуда", "Посуда П"),
        ("Хозтовары", "Хозтовар Х"),
        ("Стирка", "Порошок С"),
        ("Гигиена", "Гигиена Г"),
    ),
    "engineering": (
        ("Вентиляция", "Установка В"),
        ("Автоматика", "Щит А"),
        ("Холод", "Агрегат Х"),
        ("Монтаж", "Монтаж М"),
        ("Проектирование", "Проект П"),
        ("Обслуживание", "Сервис С"),
    ),
    "generic": (
        ("Группа А", "Товар А"),
        ("Группа Б", "Товар Б"),
        ("Группа В", "Товар В"),
        ("Группа Г", "Товар Г"),
        ("Группа Д", "Товар Д"),
        ("Группа Е", "Товар Е"),
    ),
}

_LATIN = {
    "а": "a",
    "б": "b",
    "в": "v",
    "г": "g",
    "д": "d",
    "е": "e",
    "ё": "yo",
    "ж": "zh",
    "з": "z",
    "и": "i",
    "й": "y",
    "к": "k",
    "л": "l",
    "м": "m",
    "н": "n",
    "о": "o",
    "п": "p",
    "р": "r",
    "с": "s",
    "т": "t",
    "у": "u",
    "ф": "f",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ъ": "",
    "ы": "y",
    "ь": "",
    "э": "e",
    "ю": "yu",
    "я": "ya",
}


def latin(text: str) -> str:
    """A Russian name in Latin letters, for logins and for companies whose language is English."""
    out = []
    for letter in text:
        plain = _LATIN.get(letter.lower(), letter)
        out.append(plain.capitalize() if letter.isupper() else plain)
    return "".join(out)


def person_names(count: int, draw: Draw, lang: str) -> list[tuple[str, str]]:
    """Pairs (full name, short name as 1C prints it), all short names different.

    At most 40 × 20 × 8 combinations exist; past the 40 surnames the initials tell people apart.
    """
    names: list[tuple[str, str]] = []
    taken: set[str] = set()
    surnames = draw.order(len(_SURNAMES))
    first, second = draw.whole(0, 19, count * 4), draw.whole(0, 7, count * 4)
    i = 0
    while len(names) < count:
        surname = _SURNAMES[int(surnames[len(names) % len(_SURNAMES)])]
        given, parent = int(first[i % len(first)] + i // len(first)) % 20, int(second[i % len(second)])
        i += 1
        if given < 10:
            full = (surname, _MEN[given], _FATHERS[parent])
        else:
            full = (surname + "а", _WOMEN[given - 10], _MOTHERS[parent])
        if lang == "en":
            full = (latin(full[0]), latin(full[1]), latin(full[2]))
        short = f"{full[0]} {full[1][0]}. {full[2][0]}."
        if short not in taken:
            taken.add(short)
            names.append((" ".join(full), short))
    return names


def tax_numbers(count: int, draw: Draw) -> list[str]:
    """Ten-digit client keys that look like an ИНН, keep leading zeros and belong to nobody.

    The tenth digit of a real ИНН is a weighted checksum of the other nine; here it is that checksum plus one.
    """
    step = 9_999_991 // max(count, 1)
    body = np.arange(count) * step + draw.whole(0, max(step - 1, 0), count)
    region = draw.whole(1, 89, count)
    nine = region * 10_000_000 + body
    weights = np.array([2, 4, 10, 3, 5, 9, 4, 6, 8])
    digits = (nine[:, None] // 10 ** np.arange(8, -1, -1)) % 10
    wrong = ((digits * weights).sum(axis=1) % 11 % 10 + 1) % 10
    return [f"{value:09d}{digit}" for value, digit in zip(nine.tolist(), wrong.tolist(), strict=True)]


def company_names(count: int, draw: Draw, sector: str, lang: str) -> list[str]:
    """Client names with their legal form, every name once (numbered on when the combinations run out)."""
    tails = TAILS[sector]
    total = len(ROOTS) * len(tails)
    order = draw.order(total)
    form = draw.whole(0, len(FORMS) - 1, count)
    names = []
    for i in range(count):
        combination = int(order[i % total])
        core = f"{ROOTS[combination % len(ROOTS)]}-{tails[combination // len(ROOTS)]}"
        if i >= total:
            core = f"{core}-{i // total + 1}"
        pattern = FORMS[int(form[i])] if lang == "ru" else FORMS_EN[int(form[i])]
        names.append(pattern.format(core if lang == "ru" else latin(core)))
    return names
