"""Lets the running app misbehave."""

from typing import TYPE_CHECKING

from examples.editing import altered

if TYPE_CHECKING:
    from ..sample import Sample

RESOURCE = {"resource": "referral"}


def switched_on(sample: "Sample", fault: str, recreate: list[str] | None = None) -> None:
    """Switch a fault on in the app's code, and recreate the parts that read the switch only when they start."""
    on = sample.platform("status")["faults"]
    sample.platform("misbehave", {"faults": [*on, fault], "recreate": recreate or []})


def without_unique_ids(sample: "Sample") -> None:
    altered(sample, "alter table partner_center_referrals drop constraint uq_partner_center_referrals_referral_id")


def begun_later(sample: "Sample") -> int:
    """The history's last row once no sync runs that began before now: what comes behind it knows of every switch."""
    sample.settle()
    return sample.last_run()
