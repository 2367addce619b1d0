"""Loggers of telling.py, and one that only looks like one."""

import logging
from functools import wraps

log = logging.getLogger("journal")


class Journal:
    def __init__(self) -> None:
        self._logger = logging.getLogger("journal")

    def info(self, event, *facts):
        self._logger.info(event, *facts)


class Silent:
    def info(self, event, *facts):
        return None


def journal_of(name):
    return logging.getLogger(name)


def logged(function):
    @wraps(function)
    async def tell(service):
        log.info("begins")
        return await function(service)

    return tell
