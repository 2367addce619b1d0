"""The imports and their records; a new import runs through the whole pipeline before it is answered.

One that is deleted takes along all that came of it.
"""

import json
from typing import Any

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import Table, of_tenant, page_of, row_of
from app.api.asking import key as key_of
from app.api.asking import page as page_asked
from app.api.responses import ApiError, Page, answer, single
from app.core import faults
from app.core.db import Connection, exists
from app.services.import_pipeline import imported
from app.services.import_removal import removed

MOST_RECORDS = 10_000
IMPORTS = Table(
    "data import",
    "data_imports",
    key="id",
    order="created_at, id",
    columns="""id, master_flow_id, import_name, import_type, filename, status, total_records, processed_records,
        failed_records, created_at, completed_at""",
)
RECORDS = Table(
    "record", "raw_import_records", key="id", order="row_number", columns="id, row_number, is_processed, is_valid"
)


def all_of_them(request: Request, connection: Connection, page: Page) -> Response:
    return page_of(connection, IMPORTS, page)


def by_id(request: Request, connection: Connection, key: object) -> Response:
    try:
        return single(row_of(connection, IMPORTS, key))
    except ApiError as problem:
        if faults.is_on("error_format_differs"):
            return answer({"detail": problem.message}, problem.status)
        if faults.is_on("existence_is_told") and exists(IMPORTS.name, key):
            raise ApiError(403, "this import is not yours") from None
        raise


def key_and_page(request: Request) -> tuple[object, Page]:
    return key_of(request), page_asked(request)


def records(request: Request, connection: Connection, asked: tuple[object, Page]) -> Response:
    key, page = asked
    row_of(connection, IMPORTS, key)
    return page_of(connection, RECORDS, page, {"data_import_id": key})


def remove(request: Request, connection: Connection, key: object) -> Response:
    """The import as it was."""
    row = row_of(connection, IMPORTS, key)
    removed(connection, key)
    return single(row)


async def create(request: Request) -> Response:
    """{"name": "…", "records": [{"name": "…", …}, …]} → the import, with what came of it."""
    text = await request.body()
    return await run_in_threadpool(of_tenant(_run, lambda _: _asked(text)), request)


def _run(request: Request, connection: Connection, asked: tuple[str, list[dict[str, Any]]]) -> Response:
    try:
        return single(imported(connection, *asked))
    except (psycopg.DataError, UnicodeEncodeError):
        raise ApiError(422, "a text or a number in the records cannot be stored") from None


def _asked(text: bytes) -> tuple[str, list[dict[str, Any]]]:
    try:
        body = json.loads(text)
    except ValueError:
        raise ApiError(422, "the body is no JSON") from None
    name, records = (body.get("name"), body.get("records")) if isinstance(body, dict) else (None, None)
    if not isinstance(name, str) or not name:
        raise ApiError(422, "name is a text")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ApiError(422, "records is a list of objects")
    if len(records) > MOST_RECORDS:
        raise ApiError(422, f"an import has {MOST_RECORDS} records at most")
    return name, records
