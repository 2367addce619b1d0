"""Faults of syncs that are started: each stays on, and shows in the run of the sync that an audit starts."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

if TYPE_CHECKING:
    from ..sample import Sample


def started_sync_refused(sample: "Sample", random: Random) -> Planted:
    """The provider refuses disputes to the integration, as it may at any time; the last sync still went well."""
    from ..sample import TENANTS

    sample.source_control("faults", {"revoked_scopes": ["read_shopify_payments_disputes"]})
    failed = [
        Expected("syncs_started_now_complete", scope={"tenant": tenant, "resource": "dispute"}, keys=["failed"])
        for tenant in TENANTS
    ]
    return Planted("started_sync_refused", mode=30, how="caused", must=failed)
