"""What the provider's own log tells of deliveries: those that were meant for us."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.source import Sent, sent

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def to_us(audit: Audit, tenant: str) -> Iterator[Sent]:
    """Yield the deliveries of a tenant's log, without those that went to another address by what the log tells.

    Raises
    ------
    SourceError
        The log was not recorded, or is not as it was written.
    """
    ours = audit.parameters.webhooks.address if audit.parameters.webhooks else ""
    for one in sent(audit.source, tenant):
        if not ours or one.address is None or re.fullmatch(ours, one.address):
            yield one


def tells_taken(audit: Audit) -> bool:
    """Return whether the log has the deliveries that were taken too, and not the failures alone."""
    source = audit.parameters.source
    return bool(source and source.deliveries and "status" in source.deliveries.columns)
