"""A shop platform, an integration of it, and the launcher of both: `with storefront.running() as sample`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .launcher import running

__all__ = ["running"]


def __getattr__(name: str) -> Any:
    """Only the launcher needs the launcher: source and backend live in this folder too, and start often."""
    if name in __all__:
        from . import launcher

        return getattr(launcher, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
