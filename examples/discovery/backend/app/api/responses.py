"""The one form of every answer, good or bad."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from json import dumps
from typing import Any
from uuid import UUID

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

CODES = {400: "bad_request", 401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 422: "invalid"}


class ApiError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class Page:
    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def answer(body: Any, status: int = 200) -> Response:
    return Response(dumps(body, default=_json, ensure_ascii=False), status, media_type="application/json")


def _json(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def single(data: dict[str, Any]) -> Response:
    return answer({"status": "success", "data": data, "meta": {"total": 1, "page": 1, "page_size": 1}})


def listed(rows: list[dict[str, Any]], total: int, page: Page) -> Response:
    return answer({"status": "success", "data": rows, "meta": _meta(total, page)})


def _meta(total: int, page: Page) -> dict[str, int]:
    return {"total": total, "page": page.number, "page_size": page.size}


def error(status: int, message: str, code: str | None = None) -> Response:
    body = {"code": code or CODES.get(status, "error"), "message": message}
    return answer({"status": "error", "error": body}, status)


async def refused(request: Request, problem: Exception) -> Response:
    """Answer what the API itself refuses, or what Starlette does."""
    if isinstance(problem, ApiError):
        return error(problem.status, problem.message)
    assert isinstance(problem, HTTPException)
    return error(problem.status_code, f"{request.method} {request.url.path} is not served")


async def broken(request: Request, problem: Exception) -> Response:
    """Answer what went wrong in here, without a word of the database's."""
    code = "database_error" if isinstance(problem, psycopg.Error) else "internal_error"
    return error(500, f"{type(problem).__name__}: the request was not carried out", code)
