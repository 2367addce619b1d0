"""Structured logs: one JSON object a line; what happened is `event`, the rest are its facts."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Log:
    """A logger whose calls take the facts by name; never a payload and never a token."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **facts: Any) -> None:
        self._logger.info(event, extra={"facts": facts})

    def warning(self, event: str, **facts: Any) -> None:
        self._logger.warning(event, extra={"facts": facts})

    def exception(self, event: str, **facts: Any) -> None:
        self._logger.exception(event, extra={"facts": facts})


def set_up() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    app_logger = logging.getLogger("app")
    app_logger.handlers = [handler]
    app_logger.propagate = False
    app_logger.setLevel(os.environ.get("LOG_LEVEL", "INFO").upper())
