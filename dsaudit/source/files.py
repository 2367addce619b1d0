"""Reads exported files: JSON Lines as they stand, CSV and Parquet by DuckDB.

JSON Lines are read line by line and not by DuckDB: it checks no gzip checksum, so that a damaged export would read
as another one, and it refuses half a surrogate pair, which JSON may hold.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import gzip
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from dsaudit.parameters import Parameters, Resource, Tenant
from dsaudit.source import bulk
from dsaudit.source.exact import Literal, json_of
from dsaudit.source.paging import Listing
from dsaudit.source.reading import Page, Position, Record, SourceError, count_in, record_of, strictly
from dsaudit.source.remote import fetched, see_folder
from dsaudit.verdict.card import plural

A_PAGE = 1000  # records that are taken at once
LONGEST_LINE = 16_000_000  # bytes of one line of CSV
JSON_LINES = (".jsonl", ".ndjson", ".json")

# Without hive_partitioning=false a folder that is called status=paid would stand for the file's own column.
PARQUET = "read_parquet(?, hive_partitioning = false)"
CSV = """
select *
from read_csv(?, columns = ?, delim = ?, header = true, quote = '"', escape = '"', nullstr = '',
              allow_quoted_nulls = false, strict_mode = true, null_padding = false, auto_detect = false,
              max_line_size = ?, hive_partitioning = false)
"""


@dataclass
class Export:
    """Reads the exported files of one account, ``<folder>/<account>/<read>``, or of a system without tenants."""

    folder: str
    delimiter: str = ","
    shape: bulk.Shape = field(default_factory=lambda: bulk.Shape({}))
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @classmethod
    def of(cls, parameters: Parameters, tenant: Tenant) -> Export:
        """Return the reader of one tenant's files."""
        source = parameters.source
        assert source is not None and source.folder is not None
        base = source.folder.rstrip("/") if source.is_remote else str(parameters.folder(source.folder))
        own = f"/{tenant.account or tenant.name}" if parameters.tenants else ""
        shape = bulk.Shape.of(parameters.resources, source.gids == "number")
        return cls(f"{base}{own}", source.delimiter, shape)

    def close(self) -> None:
        """Remove what was fetched."""
        self._held.close()

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of the reading: nothing beyond the lists."""
        return {}

    def resume_at(self, page: Page) -> Position | None:
        """Return where a reading that breaks off can go on: nowhere, a file is soon read anew."""
        return None

    @property
    def rereads(self) -> bool:
        """Whether it goes on there with the last page once more: it goes on nowhere."""
        return False

    def probe(self, resource: Resource | None) -> None:
        """See that the folder is there.

        Raises
        ------
        SourceError
            It is not.
        """
        if "://" in self.folder:
            see_folder(self.folder)
        elif not Path(self.folder).is_dir():
            raise SourceError(f"there is no folder {Path(self.folder).name}")

    def pages(
        self, listing: Listing, position: Position | None = None, number: int = 0, before: Record | None = None
    ) -> Iterator[Page]:
        """Yield the records of the files that `listing` names, in the order of their names.

        Raises
        ------
        SourceError
            There is no such file, it is damaged or no such format, or it changed while it was read.
        """
        told, lines = self._lines_told(listing), 0
        for path in self._files(listing.path) if told != 0 else ():
            status = path.stat()
            read = bulk.Counted(self._records(path))
            records = self.shape.records(read, listing.bulk, path.name) if listing.bulk else iter(read)
            while page := list(islice(records, A_PAGE)):
                yield Page(page)
            after = path.stat()
            if (status.st_size, status.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise SourceError(f"{path.name}: changed while it was read")
            lines += read.lines
        if told not in (None, lines):
            found = plural(lines, "line was", "lines were")
            raise SourceError(f"{listing.path}: {found} read, but the bulk operation wrote {told}")

    def _lines_told(self, listing: Listing) -> int | None:
        """Return how many lines the bulk operation wrote, as the file says that describes it; None where none does."""
        if not (listing.bulk and listing.count):
            return None
        (path,) = self._files(listing.count)[:1]
        return bulk.told(strictly(_text_of(path), path.name), path.name)

    def count(self, resource: Resource) -> int | None:
        """Return the number that the file `count` holds, None where none is declared.

        Raises
        ------
        SourceError
            There is no such file, or it holds no number.
        """
        if not resource.count:
            return None
        (path,) = self._files(resource.count)[:1]
        body = strictly(_text_of(path), path.name)
        if resource.bulk and bulk.told(body, path.name) is not None:
            return None  # it counts lines, and the reading holds them against it
        return count_in(body, path.name)

    def extra(self, path: str) -> list[Any]:
        """Return the records of a file beside the resources': the scopes, the subscriptions."""
        return [record.value for page in self.pages(Listing(path)) for record in page.records]

    def _files(self, pattern: str) -> list[Path]:
        if "://" in self.folder:
            folder = Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="dsaudit-")))
            return fetched(self.folder, pattern, folder)
        found = sorted(path for path in Path(self.folder).glob(pattern.lstrip("/")) if path.is_file())
        if not found:
            raise SourceError(f"{pattern}: No such file")
        return found

    def _records(self, path: Path) -> Iterator[Record]:
        kind = path.suffixes[-2:-1] if path.suffix == ".gz" else path.suffixes[-1:]
        if kind and kind[0] in JSON_LINES:
            return _lines(path)
        if kind == [".csv"]:
            return self._rows_of_csv(path)
        if kind == [".parquet"] and path.suffix == ".parquet":
            return _rows_of_parquet(path)
        raise SourceError(f"{path.name}: is read only as .jsonl, .ndjson, .json or .csv, also with .gz, or .parquet")

    def _rows_of_csv(self, path: Path) -> Iterator[Record]:
        with contextlib.ExitStack() as stack:
            if path.suffix == ".gz":
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dsaudit-"))
                path = _unpacked(path, Path(folder) / path.stem)
            names = _header(path, self.delimiter)
            columns = dict.fromkeys(names, "varchar")
            yield from _rows(path, CSV, [glob.escape(str(path)), columns, self.delimiter, LONGEST_LINE], names)


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Give what can be wrong with a file one line."""
    try:
        yield
    except UnicodeDecodeError:
        raise SourceError(f"{path.name}: is not UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path.name}: is cut off or damaged ({type(error).__name__})") from None
    except OSError as error:
        raise SourceError(f"{path.name}: {error.strerror or type(error).__name__}") from None


def _lines(path: Path) -> Iterator[Record]:
    with _readable(path), _opened(path) as file:
        for number, line in enumerate(file, 1):
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if text.strip():
                yield record_of(text, f"{path.name}: line {number}")


def _text_of(path: Path) -> str:
    with _readable(path), _opened(path) as file:
        text: str = file.read().decode("utf-8-sig")
        return text


def _unpacked(path: Path, target: Path) -> Path:
    """Unpack a file, which checks its checksum."""
    with _readable(path), gzip.open(path, "rb") as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return target


def _header(path: Path, delimiter: str) -> list[str]:
    with _readable(path), path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file, delimiter=delimiter), [])
    if not names or "" in names or len(set(names)) < len(names):
        raise SourceError(f"{path.name}: the first line has to name every column, each once")
    return names


def _rows_of_parquet(path: Path) -> Iterator[Record]:
    """Yield a file's rows, and hold their number against the one that its own metadata tell."""
    read, place = 0, [glob.escape(str(path))]
    with _engine(path) as engine:
        described = engine.sql(f"select * from {PARQUET}", params=place)
        kinds = dict(zip(described.columns, described.types, strict=True))
        told = engine.execute("select sum(num_rows) from parquet_file_metadata(?)", place).fetchall()[0][0]
        texts = {name: str(kind) for name, kind in kinds.items()}
        select = ", ".join(f"{_exactly(_quoted(name), kind)} as {_quoted(name)}" for name, kind in kinds.items())
    for record in _rows(path, f"select {select} from {PARQUET}", place, list(kinds), texts):
        read += 1
        yield record
    if read != told:
        raise SourceError(f"{path.name}: {plural(read, 'row was', 'rows were')} read, but the file tells of {told}")


def _exactly(value: str, kind: Any, depth: int = 0) -> str:
    """Return the expression of a value of a ``DuckDBPyType`` that loses nothing on its way to Python.

    Python knows no infinite date and no nanosecond, and gives a FLOAT digits that the file does not have.
    """
    text = f"cast({value} as varchar)"
    match kind.id:
        case "list":
            return _each(value, kind.children[0][1], depth)
        case "map":
            (_, key), (_, inside) = kind.children
            return f"map({_each(f'map_keys({value})', key, depth)}, {_each(f'map_values({value})', inside, depth)})"
        case "struct":
            parts = ((_quoted(name), one) for name, one in kind.children)
            packed = ", ".join(f"{name} := {_exactly(f'({value}).{name}', one, depth)}" for name, one in parts)
            return f"case when {value} is not null then struct_pack({packed}) end"
        case "float":
            return f"cast({text} as double)"  # Python writes a double with the fewest digits, too
        case "date" | "interval":
            return text
        case "timestamp with time zone":
            return rf"regexp_replace({text}, '^(\S+) (\S+)\+00$', '\1T\2+00:00')"
        case "timestamp" | "timestamp_s" | "timestamp_ms" | "timestamp_ns":
            return rf"regexp_replace({text}, '^(\S+) (\S+)$', '\1T\2')"
    return value


def _each(values: str, kind: Any, depth: int) -> str:
    item = f"item_{depth}"
    return f"[{_exactly(item, kind, depth + 1)} for {item} in {values}]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(
    path: Path, sql: str, values: list[Any], names: list[str], kinds: dict[str, str] | None = None
) -> Iterator[Record]:
    with _engine(path) as engine:
        result = engine.execute(sql, values)
        while rows := result.fetchmany(A_PAGE):
            for row in rows:
                shown = {name: _literal(one, (kinds or {}).get(name)) for name, one in zip(names, row, strict=True)}
                yield record_of(json_of(shown), f"{path.name}: a row")


def _literal(value: Any, kind: str | None) -> Any:
    """Return a value that comes as text and stands for something else as what it stands for."""
    return Literal(value) if isinstance(value, str) and kind == "JSON" else value


@contextlib.contextmanager
def _engine(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB that fetches nothing from anywhere, and give its complaints one line without data."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "threads": 2,
    }
    try:
        with duckdb.connect(config=settings) as engine:
            engine.execute("set timezone = 'UTC'")
            yield engine
    except duckdb.Error as error:
        line = re.search(r"on Line: (\d+)", str(error))
        place = f" at line {line[1]}" if line else ""
        raise SourceError(f"{path.name}: is no such file as its name says{place} ({type(error).__name__})") from None
