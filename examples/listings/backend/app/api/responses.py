"""The form of every answer, and the one form of every refusal: {"error": {"code": …, "message": …}}."""

import traceback
from datetime import datetime
from decimal import Decimal
from json import dumps
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.core import faults

CODES = {400: "bad_request", 401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 409: "conflict"}
CODES |= {422: "invalid", 500: "internal_error", 503: "unavailable"}


class ApiError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


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


def error(status: int, message: str) -> Response:
    return answer({"error": {"code": CODES.get(status, "error"), "message": message}}, status)


async def refused(request: Request, problem: Exception) -> Response:
    """Answer what the API itself refuses, or what Starlette does."""
    if isinstance(problem, ApiError):
        if faults.is_on("stack_trace_in_error"):
            return error(problem.status, "".join(traceback.format_exception(problem)))
        return error(problem.status, problem.message)
    assert isinstance(problem, HTTPException)
    return error(problem.status_code, f"{request.method} {request.url.path} is not served")


async def broken(request: Request, problem: Exception) -> Response:
    """Answer what went wrong in here, without a word of the database's."""
    if isinstance(problem, SQLAlchemyError):
        return error(503, "the database did not carry out the request")
    return error(500, "the request was not carried out")
