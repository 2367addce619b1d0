"""The scheduler of a Dask cluster: it is asked who it is before there is a client of it.

A client that never connected would go on trying while it is thrown away, and complain on the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

CONNECTING_SECONDS = 10
CERTIFICATES = "give Dask's configuration distributed.comm.tls its certificates (ca-file, client.cert, client.key)"


class ClusterError(Exception):
    """The cluster cannot be used, or not any more; the message says which part of it, and what to do."""


@contextlib.contextmanager
def reached(address: str) -> Iterator[Client]:
    """Be a client of the cluster whose scheduler has this address, such as ``tcp://host:8786``, for the block.

    Raises
    ------
    ClusterError
        Dask is not installed, this is no address, the scheduler does not answer, or it has no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("--dask needs Dask here and on the cluster: pip install 'dsaudit[dask]'") from None
    for name in [one for one in logging.root.manager.loggerDict if one.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what it would tell is told here, in one line
    try:
        security = _security(address)
        _ask(address, security)
        try:
            client = Client(address, timeout=CONNECTING_SECONDS, set_as_default=False, security=security)
        except (OSError, ValueError, RuntimeError):
            raise ClusterError("the scheduler does not answer any more; see that it goes on running") from None
    except ClusterError as error:
        raise ClusterError(f"--dask {address}: {error}") from None
    try:
        if not client.nthreads():
            raise ClusterError(f"--dask {address}: the cluster has no worker; start one")
        yield client
    finally:
        with contextlib.suppress(Exception):  # it may be gone
            client.close(timeout=CONNECTING_SECONDS)


def _security(address: str) -> Security:
    """Return what Dask's own configuration says of connections; raises where the address cannot be used under it."""
    import dask
    from distributed.comm.addressing import parse_address, unparse_address
    from distributed.comm.registry import get_backend
    from distributed.security import Security
    from distributed.utils import import_term

    scheme, place = parse_address(address)
    try:
        get_backend(scheme)
        parts = urlsplit(unparse_address(scheme, place))
        if not parts.hostname or not parts.port:
            raise ValueError
    except ValueError:
        raise ClusterError("is no address of a scheduler; write it as tcp://HOST:PORT or tls://HOST:PORT") from None
    try:
        loader = dask.config.get("distributed.client.security-loader", None)
        security: Security = (import_term(loader)({"address": address}) if loader else None) or Security()
        context = security.get_connection_args("client")["ssl_context"]
    except Exception as error:  # of whatever kind: a file that is not there, or none of its form
        raise ClusterError(f"its certificates here cannot be read ({error}); {CERTIFICATES}") from None
    if scheme == "tls" and context is None:
        raise ClusterError(f"there are no certificates to connect with; {CERTIFICATES}")
    return security


def _ask(address: str, security: Security) -> None:
    """Ask who answers; raises where that is no scheduler."""
    try:
        kind = asyncio.run(asyncio.wait_for(_identity(address, security), CONNECTING_SECONDS + 1))
    except OSError as error:  # a time that is up is one
        if refused := _of_tls(error):
            reason = refused.reason or type(refused).__name__
            raise ClusterError(f"TLS fails ({reason}); see scheme and port, and {CERTIFICATES}") from None
        what = f"no scheduler of Dask answers within {CONNECTING_SECONDS} s"
        raise ClusterError(f"{what}; see that it runs and can be reached from here") from None
    except RuntimeError as error:  # Dask's configuration demands that connections are encrypted
        raise ClusterError(str(error)) from None
    if kind != "Scheduler":
        raise ClusterError(
            "who answers there is no scheduler of Dask, or refuses TLS; see scheme, port and certificates"
        )


async def _identity(address: str, security: Security) -> Any:
    """Return as what the other side knows itself, None where it does not speak as parts of a cluster do."""
    from distributed.comm import CommClosedError, connect
    from distributed.core import send_recv

    try:
        comm = await connect(address, timeout=CONNECTING_SECONDS, **security.get_connection_args("client"))
        try:
            return (await send_recv(comm, op="identity")).get("type")
        finally:
            comm.abort()
    except Exception as error:
        is_told = isinstance(error, (OSError, RuntimeError)) and not isinstance(error, CommClosedError)
        if is_told or _of_tls(error):
            raise
        return None  # of whatever kind: in a web server's first bytes Dask reads how much is to come


def _of_tls(error: BaseException | None) -> ssl.SSLError | None:
    """Return what of TLS an error came of, or None."""
    if error is None or isinstance(error, ssl.SSLError):
        return error
    return _of_tls(error.__cause__ or error.__context__)
