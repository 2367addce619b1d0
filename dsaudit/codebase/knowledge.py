"""What is known of packages that are not read: which make requests, wait, retry, log, or do none of it."""

from __future__ import annotations

import re
import sys

from dsaudit.codebase.refs import ExternalRef, FunctionRef, InstanceRef, Ref, UnknownRef

VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream", "fetch", "urlopen"}
SDKS = {  # providers' own libraries: what asks for a list or a record, and what reads a list to its end by itself
    "stripe": {"list", "search", "retrieve"},
    "shopify": {"find", "find_first", "next_page", "execute"},
    "quickbooks": {"all", "filter", "where", "query", "choose"},
}
PAGING_BY_ITSELF = {"auto_paging_iter", "auto_paging_iter_async", "PaginatedIterator"}
QUEUED = {  # what a task of a queue is called by, here or by a worker
    *("delay", "apply_async", "delay_on_commit", "apply", "s", "si", "send", "send_with_options", "kiq", "defer"),
    *("defer_async", "submit", "remote", "__wrapped__"),
}
HOOKS = ("request", "send", "_request", "handle_request", "handle_async_request")
HTTP = {
    *("httpx", "requests", "aiohttp", "urllib", "urllib3", "http", "niquests", "httplib2", "treq", "asks"),
    *("curl_cffi", "requests_ratelimiter", "aiohttp_retry", "httpx_retries"),
}
CLIENT = re.compile(r"(client|session|pool|poolmanager|connection|https?|api)$", re.IGNORECASE)
DATABASE = {"sqlalchemy", "sqlmodel", "psycopg", "psycopg2", "asyncpg", "databases", "tortoise", "peewee", "pymongo"}

INGEST = re.compile(r"ingest|upsert|store|save|persist|insert", re.IGNORECASE)
# What is kept under such a name is put aside: nothing says that it is worked on.
ASIDE = re.compile(r"unhandled|unknown|unsupported|unexpected|dead|fail|ignored|reject|quarantine", re.IGNORECASE)

LOGGING = {"logging", "structlog", "loguru", "logbook"}
LOG_METHODS = {
    *("debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "success", "trace"),
    *("adebug", "ainfo", "awarning", "aerror", "aexception", "acritical", "alog"),
}
LOGGER_NAME = re.compile(r"_*(app_?|audit_?|struct_?|sync_?|get_?)?(log|logger|logging)_*$", re.IGNORECASE)

RAISED_FIRST = {"tenacity", "backoff", "stamina", "retrying", "retry"}  # these retry only what is raised
CONNECTING = {  # errors of the connection alone: an answer of 429 is none of them
    *(
        "ConnectError",
        "ConnectionError",
        "ConnectTimeout",
        "ReadTimeout",
        "Timeout",
        "TimeoutError",
        "TimeoutException",
    ),
    *("TransportError", "NetworkError", "ClientConnectionError", "ClientConnectorError", "ServerDisconnectedError"),
    *("RemoteProtocolError", "PoolTimeout", "ReadError", "OSError"),
}
RETRYING = {
    *("tenacity.retry", "tenacity.Retrying", "tenacity.AsyncRetrying", "tenacity.asyncio.AsyncRetrying"),
    *("backoff.on_exception", "backoff.on_predicate", "backoff.runtime", "stamina.retry", "stamina.retry_context"),
    *("stamina.AsyncRetryingCaller", "stamina.RetryingCaller", "retrying.retry", "retry.retry", "retry.api.retry_call"),
    *("aiolimiter.AsyncLimiter", "ratelimit.limits", "ratelimit.sleep_and_retry", "ratelimiter.RateLimiter"),
    *("pyrate_limiter.Limiter", "asyncio_throttle.Throttler", "aiometer.run_all", "aiometer.amap"),
    *("requests_ratelimiter.LimiterSession", "urllib3.Retry", "urllib3.util.Retry", "urllib3.util.retry.Retry"),
    *("aiohttp_retry.RetryClient", "httpx_retries.RetryTransport", "requests.adapters.Retry"),
}
SLEEPS = {
    *("asyncio.sleep", "time.sleep", "anyio.sleep", "trio.sleep", "gevent.sleep", "eventlet.sleep", "curio.sleep"),
    *("anyio.sleep_until", "trio.sleep_until", "asyncio.tasks.sleep"),
}

HARMLESS = {
    *(DATABASE | LOGGING | {"builtins", "pydantic", "pydantic_settings", "attr", "attrs", "orjson", "ujson"}),
    *("dateutil", "pytz", "pendulum", "arrow", "numpy", "pandas", "opentelemetry", "prometheus_client", "sentry_sdk"),
    *("fastapi", "starlette", "flask", "django", "celery", "alembic", "typing_extensions", "cachetools", "anyio"),
    *("multidict", "yarl", "certifi", "cryptography", "jwt", "marshmallow", "msgspec", "click", "tqdm", "rich", "trio"),
}
HARMLESS_METHODS = {
    *("execute", "executemany", "scalar", "scalars", "scalar_one", "commit", "rollback", "flush", "refresh", "add"),
    *("add_all", "merge", "begin", "begin_nested", "close", "aclose", "get_one", "fetchone", "fetchall", "fetchval"),
    *("fetchrow", "append", "extend", "update", "items", "keys", "values", "json", "strip", "split", "lower", "join"),
    *("isoformat", "acquire", "release", "wait", "set", "clear", "put", "put_nowait", "raise_for_status", "setdefault"),
    *("pop", "format", "encode", "decode", "replace", "startswith", "endswith", "copy", "model_dump", "dict", "sort"),
}


def is_request(ref: Ref) -> bool:
    """Whether calling this sends an HTTP request, told by the client's package; by its name where it is unseen."""
    name = getattr(ref, "dotted", "") or getattr(ref, "path", "")
    if isinstance(ref, ExternalRef) and ref.package in SDKS:
        last = name.rpartition(".")[2]
        return last in SDKS[ref.package] or last.startswith("list_")
    if name.endswith("()") or name.rpartition(".")[2] not in VERBS:
        return False
    if isinstance(ref, ExternalRef):
        return ref.package in HTTP and _of_client(ref.dotted)
    if not isinstance(ref, UnknownRef):
        return False
    owner = ref.path.rpartition(".")[0].rpartition(".")[2].removesuffix("()")
    return bool(CLIENT.search(owner))


def _of_client(path: str) -> bool:
    owner = path.rpartition(".")[0]
    if "(" not in owner:
        return True
    return owner.count("(") == 1 and owner.endswith("()") and bool(CLIENT.search(owner.removesuffix("()")))


def is_sleep(ref: Ref) -> bool:
    """Whether calling this waits."""
    return isinstance(ref, ExternalRef) and ref.dotted in SLEEPS


def retries(ref: Ref) -> bool:
    """Whether this comes from a library that retries or keeps to a rate."""
    if not isinstance(ref, ExternalRef):
        return False
    parts = ref.dotted.replace("()", "").split(".")
    return any(".".join(parts[:length]) in RETRYING for length in range(2, len(parts) + 1))


def is_logger_call(ref: Ref) -> bool:
    """Whether calling this writes a log record."""
    name = getattr(ref, "dotted", "") or getattr(ref, "path", "")
    owner, _, last = name.rpartition(".")
    if last not in LOG_METHODS:
        return False
    if isinstance(ref, ExternalRef) and ref.package in LOGGING:
        return True
    return any(LOGGER_NAME.match(part.removesuffix("()")) for part in owner.split("."))


def is_harmless(ref: Ref) -> bool:
    """Whether this surely makes no request to the provider on behalf of its caller."""
    if isinstance(ref, ExternalRef):
        package = ref.package
        if package in {"urllib", "http", "socket", "ftplib", "xmlrpc"}:
            return not is_request(ref)
        return package in HARMLESS or package in sys.stdlib_module_names or package in HTTP
    if isinstance(ref, UnknownRef):
        return ref.last.removesuffix("()") in HARMLESS_METHODS or is_logger_call(ref)
    return isinstance(ref, FunctionRef | InstanceRef) or not isinstance(ref, UnknownRef)
