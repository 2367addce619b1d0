"""A partner's API, an app that syncs its referrals by Celery, and its launcher: `with referrals.running()`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .launcher import running

__all__ = ["running"]


def __getattr__(name: str) -> Any:
    """Only the launcher needs the launcher: the partner lives in this folder too, and starts often."""
    if name in __all__:
        from . import launcher

        return getattr(launcher, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
