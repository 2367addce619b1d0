"""A back end that imports what customers have in their data centres, and its launcher: `with discovery.running()`."""

from .launcher import running

__all__ = ["running"]
