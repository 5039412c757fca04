"""Orders that are no files of this computer; and those straight from a database, an SQLAlchemy address, streamed once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from audit.engine.spark_errors import shown
from audit.errors import InputError, Text
from audit.intake.addresses import is_address, is_cluster
from audit.intake.grids import GridReader, cell_text
from audit.intake.staging import Row

__all__ = ["open_database", "redacted", "shown_address"]

_SECRET = re.compile(
    r"(?i)\b([\w-]{0,30}(?:pass|pwd|token|secret|apikey|api_key|odbc_connect)[\w-]{0,30})=(.*?)(?=#[^#]*$|$)", re.DOTALL
)
_QUERY = re.compile(r"^\s*(select|with)\b", re.IGNORECASE)


def shown_address(source: str) -> str:
    """Return the address as the report shows it: no user, no password, no folder, the table or «query»."""
    address, _, what = redacted(source).replace("//…@", "//").partition("#")
    address = re.sub(r"^(sqlite(?:\+\w+)?:///).*/", r"\1", address)
    tail = "query" if _QUERY.match(what) else what.strip()
    return f"{address}#{tail}" if tail else address


def redacted(source: str) -> str:
    """Return an address without user and password; one that carries no secret stays as it is.

    A password may hold ``/``, ``#`` and ``@``: what stands before the last ``@`` of the first word goes, and so does
    what follows ``password=`` up to the last ``#``.
    """
    if is_cluster(source):
        return shown(source)
    if not is_address(source):
        return source
    first, blank, rest = _SECRET.sub(lambda m: f"{m[1]}=…", source).partition(" ")
    scheme, _, named = first.partition("://")
    user, at, place = named.rpartition("@")
    return (f"{scheme}://…@{place}" if at and user else first) + blank + rest


def _secrets(source: str) -> list[str]:
    """The pieces of user and password that an address carries, for taking them out of a driver's message."""
    user = source.partition(" ")[0].partition("://")[2].rpartition("@")[0]
    found = [user.partition(":")[2], *re.split(r"[:/#@]", user.partition(":")[2])]
    found += [m[2] for m in _SECRET.finditer(source)]
    return sorted({f for f in found if len(f) > 1}, key=len, reverse=True)


def open_database(source: str) -> GridReader:
    """Open ``address#table`` or ``address#SELECT …``; rows are read in the order the database gives them."""
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    address, _, what = source.partition("#")
    name = shown_address(source)

    def refuse(ru: str, en: str, todo: Text, cause: Exception | None = None) -> InputError:
        error = InputError(Text(ru, en), where=name, todo=todo)
        error.__cause__ = cause
        return error

    how = Text(
        "Пример: sqlite:///orders.db#orders или …#SELECT * FROM orders",
        "Example: sqlite:///orders.db#orders or …#SELECT * FROM orders",
    )
    if not what.strip():
        raise refuse("В адресе базы нет таблицы или запроса", "The database address names no table and no query", how)
    try:
        engine = sa.create_engine(address, poolclass=sa.NullPool)
    except NoSuchModuleError as e:
        raise refuse("Неизвестный вид базы данных", "Unknown kind of database", how, e) from e
    except ModuleNotFoundError as e:
        raise refuse(
            f"Нет драйвера базы данных ({e.name})",
            f"The database driver is missing ({e.name})",
            Text(f"Установите пакет {e.name}", f"Install the package {e.name}"),
            e,
        ) from e
    except (ArgumentError, ValueError) as e:
        raise refuse("Адрес базы данных не разобран", "The database address cannot be read", how, e) from e
    _existing_file(engine.url, name)
    if _QUERY.match(what):
        statement: Any = sa.text(what)
    else:
        quote = engine.dialect.identifier_preparer.quote
        statement = sa.text("SELECT * FROM " + ".".join(quote(part.strip()) for part in what.split(".")))

    digest = hashlib.sha256()

    def rows() -> Iterator[Row]:
        nonlocal digest
        digest = hashlib.sha256()
        try:
            with engine.connect().execution_options(stream_results=True, yield_per=20_000) as connection:
                result = connection.execute(statement)
                yield 1, [str(k) for k in list(result.keys())]
                for number, row in enumerate(result, start=2):
                    cells = [cell_text(v) for v in row]
                    digest.update("\x1f".join(cells).encode() + b"\x1e")
                    yield number, cells
        except SQLAlchemyError as e:
            cause = (str(getattr(e, "orig", None) or e).splitlines() or [""])[0]
            for secret in _secrets(source):
                cause = cause.replace(secret, "…")
            cause = cause[:200]
            raise refuse(
                f"База данных ответила ошибкой: {cause}",
                f"The database answered with an error: {cause}",
                Text(
                    "Проверьте адрес, доступ и имя таблицы или запрос",
                    "Check the address, the access and the table or query",
                ),
                e,
            ) from e

    return GridReader(name, "sql", rows, digest=lambda: digest.hexdigest())


def _existing_file(url: Any, name: str) -> None:
    """SQLite makes an empty base of a misspelt path; say so instead."""
    from pathlib import Path

    if (
        url.get_backend_name() == "sqlite"
        and url.database
        and url.database != ":memory:"
        and not Path(url.database).is_file()
    ):
        raise InputError(
            Text(f"Файл базы не найден: {url.database}", f"Database file not found: {url.database}"),
            where=name,
            todo=Text("Проверьте путь после sqlite:///", "Check the path after sqlite:///"),
        )
