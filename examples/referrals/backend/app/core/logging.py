"""Structured logs: one JSON object a line; what happened is `event`, the rest are its facts."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from app.core.config import get_settings


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "facts", _of_celery(record)),
        }
        if record.exc_info and "error" not in line:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _of_celery(record: logging.LogRecord) -> dict[str, Any]:
    """The task's id, where Celery itself tells of a task."""
    data = getattr(record, "data", None)
    return {"task_id": data["id"]} if isinstance(data, dict) and "id" in data else {}


class Log:
    """A logger whose calls take the facts by name; never a record and never a token."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **facts: Any) -> None:
        self._logger.info(event, extra={"facts": facts})

    def warning(self, event: str, **facts: Any) -> None:
        self._logger.warning(event, extra={"facts": facts})

    def error(self, event: str, **facts: Any) -> None:
        self._logger.error(event, extra={"facts": facts})


def set_up(**_: Any) -> None:
    """Let everything in this process, Celery's own lines and warnings too, be written in the one form."""
    path = get_settings().log_file
    handler = logging.FileHandler(path, encoding="utf-8") if path else logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(get_settings().log_level)
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("httpx").setLevel("WARNING")
    logging.captureWarnings(True)
