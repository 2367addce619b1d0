"""What the catalogue has of the declared provider, at hand for all facts that rest on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit import catalogue
from dsaudit.catalogue import Provider, ProviderError

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def provider_of(audit: Audit) -> tuple[Provider, str | None]:
    """Return what the catalogue has of the declared provider; and why nothing, or None."""
    if "provider" not in audit.kept:
        try:
            audit.kept["provider"] = catalogue.of(audit.parameters), None
        except ProviderError as error:
            audit.kept["provider"] = Provider(), str(error).splitlines()[0]
    found: tuple[Provider, str | None] = audit.kept["provider"]
    return found
