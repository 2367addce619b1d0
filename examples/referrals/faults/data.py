"""Faults of what the database holds."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered

from .switching import RESOURCE, begun_later, switched_on

if TYPE_CHECKING:
    from ..sample import Sample


def domain_not_normalised(sample: "Sample", random: Random) -> Planted:
    """A customer's domain is stored as somebody typed its website."""
    normal = dict(_domains(sample))
    switched_on(sample, "domain_not_normalised")
    sample.scheduled(after=begun_later(sample))
    wrong = [key for key, domain in _domains(sample) if domain != normal.get(key)]
    must = [Expected("domains_are_normalised", scope=RESOURCE, keys=wrong)]
    return Planted("domain_not_normalised", mode=0, how="caused", must=must, may=["field_differences"])


def _domains(sample: "Sample") -> list[tuple[str, str | None]]:
    found = sample.rows("select referral_id, domain from partner_center_referrals order by referral_id")
    return [(row["referral_id"], row["domain"]) for row in found]


def referral_type_missing_from_view(sample: "Sample", random: Random) -> Planted:
    """The view of the leads was made anew without the type of the referral."""
    altered(
        sample,
        """drop view leads_ready;
        create view leads_ready as
            select referral_id, domain, company_name, status
            from partner_center_referrals
            where domain is not null and status <> 'Closed'""",
    )
    must = [Expected("ready_view_has_its_columns", keys=["referral_type"])]
    return Planted("referral_type_missing_from_view", mode=0, how="caused", must=must)
