"""What Spark says, as a sentence: what the cluster cannot read, and what to give instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audit.errors import AuditError, InputError, Text

__all__ = ["explained", "shown"]

_SHARED = Text(
    "Положите данные туда, где их видят все узлы кластера (общая папка file:///…, s3a://…, hdfs://…) и дайте право чтения "
    "пользователю, под которым они работают; файлы только этого компьютера указывайте путём без --engine: он прочтёт их сам",
    "Put the data where every machine of the cluster sees them (a shared folder file:///…, s3a://…, hdfs://…) and let the "
    "user under whom these run read them; files of this computer alone are given by path and without --engine: it reads "
    "them itself",
)
_NAME = Text(
    "Проверьте имя: каталог.схема.таблица; что есть — скажет SHOW TABLES IN каталог.схема",
    "Check the name: catalog.schema.table; SHOW TABLES IN catalog.schema lists what is there",
)
_CREDENTIALS = Text(
    "Дайте ключи самому Spark: в spark-defaults.conf (spark.hadoop.fs.s3a.access.key и secret.key), в переменных среды или "
    "через роль узла; в audit.toml их не пишут",
    "Give the keys to Spark itself: in spark-defaults.conf (spark.hadoop.fs.s3a.access.key and secret.key), in environment "
    "variables, or by the role of the machine; they do not belong in audit.toml",
)
_CASES: tuple[tuple[str, str, str, Text], ...] = (
    (
        r"S3AFileSystem not found|ClassNotFoundException: (?:Class )?org\.apache\.hadoop\.fs\.s3a|No FileSystem for scheme \"?s3a",
        "У Spark нет библиотеки hadoop-aws: адрес s3a:// он не читает",
        "Spark lacks the library hadoop-aws: it does not read the address s3a://",
        Text(
            "Добавьте в spark-defaults.conf: spark.jars.packages org.apache.hadoop:hadoop-aws:{hadoop}",
            "Add to spark-defaults.conf: spark.jars.packages org.apache.hadoop:hadoop-aws:{hadoop}",
        ),
    ),
    (
        r"No FileSystem for scheme|UnsupportedFileSystemException|Class org\.apache\.hadoop\.fs\.\S+ not found",
        "Spark не знает такого хранилища: для схемы адреса нет библиотеки",
        "Spark does not know this storage: no library is there for the scheme of the address",
        Text(
            "Добавьте библиотеку хранилища в spark.jars.packages (spark-defaults.conf)",
            "Add the library of the storage to spark.jars.packages (spark-defaults.conf)",
        ),
    ),
    (
        r"NoAuthWithAWS|NoAwsCredentials|Unable to load (?:AWS )?credentials|No AWS Credentials|InvalidAccessKeyId|"
        r"SignatureDoesNotMatch|ExpiredToken|status code: 403|Status Code: 403|Access Denied|AuthorizationPermissionMismatch|"
        r"AccessControlException",
        "Хранилище не впустило: нет ключей доступа или прав на эти данные",
        "The storage did not let us in: no access keys, or no right to these data",
        _CREDENTIALS,
    ),
    (
        r"NoSuchBucket|UnknownStoreException|bucket .* does not exist",
        "Такой корзины в хранилище нет",
        "The storage has no such bucket",
        Text("Проверьте адрес", "Check the address"),
    ),
    (
        r"PARSE_SYNTAX_ERROR|ParseException",
        "Запрос или имя таблицы Spark не разобрал",
        "Spark cannot parse the query or the table's name",
        Text(
            "Проверьте SQL; имя с необычными знаками берут в обратные кавычки: `имя`",
            "Check the SQL; a name with unusual characters stands in backticks: `name`",
        ),
    ),
    (
        r"TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND|CATALOG_NOT_FOUND|REQUIRES_SINGLE_PART_NAMESPACE|NoSuchNamespace",
        "Такой таблицы у Spark нет",
        "Spark has no such table",
        _NAME,
    ),
    (
        r"UNRESOLVED_COLUMN|UNRESOLVED_ROUTINE",
        "В запросе назван столбец или функция, которых нет",
        "The query names a column or a function that is not there",
        Text("Исправьте запрос", "Correct the query"),
    ),
    (
        r"PATH_NOT_FOUND",
        "По этому адресу ничего нет",
        "There is nothing at this address",
        Text(
            "Проверьте адрес: нужна папка с Parquet, видная и кластеру, и отсюда",
            "Check the address: it has to be a folder of Parquet that both the cluster and this computer see",
        ),
    ),
    (
        r"UNABLE_TO_INFER_SCHEMA|is not a Parquet file|CANNOT_READ_FILE_FOOTER|FAILED_READ_FILE\.(?:NO_HINT|CANNOT_READ)|"
        r"Could not read footer",
        "По этому адресу не Parquet",
        "What stands at this address is not Parquet",
        Text(
            "Кластер читает Parquet и таблицы каталога. CSV и книги Excel дайте файлом этому компьютеру",
            "The cluster reads Parquet and tables of its catalogue. Give CSV and workbooks as files to this computer",
        ),
    ),
    (
        r"UnknownHostException|ConnectException|Connection refused|NoRouteToHost|SocketTimeout|ConnectTimeout|"
        r"failed on connection exception|Connection timed out",
        "Хранилище не отвечает",
        "The storage does not answer",
        Text(
            "Проверьте адрес и что хранилище доступно и отсюда, и с узлов кластера",
            "Check the address, and that both this computer and the machines of the cluster reach the storage",
        ),
    ),
    (
        r"OutOfMemoryError|Java heap space|bigger than spark\.driver\.maxResultSize|Container killed",
        "Spark не хватило памяти",
        "Spark ran out of memory",
        Text(
            "Увеличьте spark.driver.memory и spark.executor.memory в spark-defaults.conf",
            "Raise spark.driver.memory and spark.executor.memory in spark-defaults.conf",
        ),
    ),
    (
        r"No space left on device",
        "На диске узла кластера кончилось место",
        "A disk of the cluster is full",
        Text("Освободите место в spark.local.dir", "Make room in spark.local.dir"),
    ),
    (
        r"Master removed our application|All masters are unresponsive|SparkContext was shut down|"
        r"stopped SparkContext|Connection reset|Answer from Java side is empty|Error while sending or receiving",
        "Связь с кластером Spark оборвалась",
        "The connection to the Spark cluster broke",
        Text(
            "Проверьте, что master и узлы работают, и запустите ещё раз", "Check that the cluster is up, and run again"
        ),
    ),
)
_UNSEEN = re.compile(
    r"Permission denied|AccessControlException|FileNotFoundException|does not exist|FILE_NOT_EXIST|AccessDeniedException"
)


@contextmanager
def explained(source: str, session: Any) -> Iterator[None]:
    """Turn whatever Spark raises inside the block into an `InputError` about ``source``, without Java's traces."""
    from pyspark.logger import PySparkLogger

    trace = PySparkLogger.getLogger("SQLQueryContextLogger")  # it writes Java's trace to standard error
    before, trace.disabled = trace.disabled, True
    try:
        yield
    except (AuditError, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except Exception as e:
        raise _error(source, session, e) from e
    finally:
        trace.disabled = before


_USER = re.compile(r"\b(?!abfs|wasb)([a-z][a-z0-9+.]*)://[^\s'\"]*@", re.IGNORECASE)
_SECRET = re.compile(
    r"(?i)\b([\w.-]*(?:pass|pwd|secret|token|access[._]?key)[\w.-]*)(\s*=>?\s*)('[^']*'|\"[^\"]*\"|[^\s&;,)]+)"
)


def shown(text: str) -> str:
    """Return a source or a message of Spark without users, passwords and keys (in ``abfss://a@b`` a is a container)."""
    return _SECRET.sub(r"\1\2…", _USER.sub(r"\1://…@", text))


def _where(source: str) -> str:
    text = shown(source)
    return text if len(text) <= 200 else text[:199] + "…"


def _error(source: str, session: Any, cause: Exception) -> InputError:
    said = str(cause)
    if _UNSEEN.search(said) and "PATH_NOT_FOUND" not in said and "file:/" in f"{source} {said}":
        return InputError(
            Text(
                "Узлы кластера не видят этих файлов или не вправе их читать",
                "The machines of the cluster do not see these files, or may not read them",
            ),
            where=_where(source),
            todo=_SHARED,
        )
    for pattern, ru, en, todo in _CASES:
        if re.search(pattern, said):
            return InputError(Text(ru, en), where=_where(source), todo=todo.format(hadoop=_hadoop(session)))
    first = next((line.strip() for line in said.splitlines() if line.strip()), type(cause).__name__)
    causes = [line for line in said.splitlines() if line.startswith("Caused by: ")]
    reason = shown(causes[-1].removeprefix("Caused by: ") if causes else first)[:200]
    return InputError(
        Text(f"Spark ответил ошибкой: {reason}", f"Spark answered with an error: {reason}"),
        where=_where(source),
        todo=Text(
            "Проверьте этот источник в самом Spark: SELECT * FROM … LIMIT 10",
            "Try this source in Spark itself: SELECT * FROM … LIMIT 10",
        ),
    )


def _hadoop(session: Any) -> str:
    """Return the version of Hadoop that this Spark carries: hadoop-aws must be of the same."""
    try:
        return str(session._jvm.org.apache.hadoop.util.VersionInfo.getVersion())
    except Exception:
        return "3.x"
