"""Secrets: named in the parameter file, read from the environment, never shown."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, quote_plus, urlsplit

_met: set[str] = set()  # the values of all secrets that this process has read
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class SecretMissing(Exception):
    """The environment does not hold a variable that the parameter file names."""


class Secret:
    """A value that prints as ``***`` however it is formatted; `reveal` is the only way to it."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self._value = value
        _met.add(value)

    def reveal(self) -> str:
        """Return the value itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.name}=***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> tuple[object, ...]:
        # A pickle would carry the value into a file or another process; the name is enough to read it there.
        return (from_environment, (self.name,))


def from_environment(name: str) -> Secret:
    """Read the secret that the environment variable `name` holds.

    Raises
    ------
    SecretMissing
        The variable is not set, or empty.
    """
    value = os.environ.get(name, "")
    if not value:
        raise SecretMissing(f"the environment variable {name} is not set; the parameter file reads a secret from it")
    return Secret(name, value)


def hidden(text: str) -> str:
    """Return a message without the secrets that were read, and without the passwords of any address."""
    for value in sorted(filter(None, _met), key=len, reverse=True):
        for form in (value, quote(value, safe=""), quote_plus(value)):
            text = text.replace(form, "***")
    return re.sub(r"(?<=://)([^\s/:@]*):[^\s/]+@", r"\1:***@", text)


def is_protected(address: str) -> bool:
    """Return whether a secret may be sent to an address: over https, or without leaving this machine."""
    given = urlsplit(address)
    return given.scheme == "https" or given.hostname in LOOPBACK
