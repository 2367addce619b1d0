"""A back end that imports listings of computers, whole or partial, and its launcher: `with listings.running()`."""

from .launcher import running

__all__ = ["running"]
