"""Helpers of failing.py."""

from contextlib import asynccontextmanager
from functools import wraps
from types import SimpleNamespace


@asynccontextmanager
async def recorded(name):
    run = SimpleNamespace(name=name, error=None)
    try:
        yield run
    except Exception as error:
        run.error = str(error)
        raise


def safely(function):
    @wraps(function)
    async def guarded(service):
        try:
            return await function(service)
        except Exception as error:
            service.failures.append(str(error))

    return guarded
