"""Faults of listings and jobs that are there: a release wrote them wrong."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered, replaced, texts

from .choosing import LISTING, revision, some_of

if TYPE_CHECKING:
    from ..sample import Sample

BENCHMARKED = "exists (select from cpus where cpus.id = cpu_id and cpu_mark > 0)"


def metric_computed_while_partial(sample: "Sample", random: Random) -> Planted:
    """Metrics were computed of listings that have no price, as if they were for nothing."""
    ids = some_of(sample, random, "listings", f"quality = 'partial' and {BENCHMARKED}")
    altered(
        sample,
        "update listings set adjusted_price_usd = 0, price_per_cpu_mark = 0 where id = any(%(ids)s)",
        ids=ids,
    )
    fields = ["adjusted_price_usd", "price_per_cpu_mark"]
    must = [Expected("withheld_values_are_absent", scope=LISTING, keys=texts(ids), fields=fields)]
    return Planted("metric_computed_while_partial", mode=0, how="edited", must=must)


def missing_fields_wrong(sample: "Sample", random: Random) -> Planted:
    """Listings without a price tell that nothing is missing."""
    ids = some_of(sample, random, "listings", "quality = 'partial'")
    altered(sample, "update listings set missing_fields = '[]' where id = any(%(ids)s)", ids=ids)
    must = [Expected("missing_fields_are_truthful", scope=LISTING, keys=texts(ids))]
    return Planted("missing_fields_wrong", mode=0, how="edited", must=must)


def provenance_not_set(sample: "Sample", random: Random) -> Planted:
    """Prices were completed by hand, and nothing says so."""
    ids = some_of(sample, random, "listings", "extraction_metadata ->> 'price_usd' = 'manual'")
    altered(
        sample,
        "update listings set extraction_metadata = extraction_metadata - 'price_usd' where id = any(%(ids)s)",
        ids=ids,
    )
    must = [Expected("provenance_is_complete", scope=LISTING, keys=texts(ids), fields=["price_usd"])]
    return Planted("provenance_not_set", mode=0, how="edited", must=must)


def formula_differs(sample: "Sample", random: Random) -> Planted:
    """A release charged other prices for memory; what it computed then was never computed anew."""
    # Far enough from the limits of its rating, which stays right.
    ids = some_of(sample, random, "listings", "adjusted_price_usd > 0.95 * price_usd and price_usd > 100")
    altered(
        sample,
        # The price per mark agrees with it.
        """update listings as l set adjusted_price_usd = adjusted_price_usd - 1.25,
            price_per_cpu_mark = round((adjusted_price_usd - 1.25) / nullif(
                (select cpu_mark from cpus where cpus.id = l.cpu_id), 0), 6)
        where id = any(%(ids)s)""",
        "update listings set cpu_price_performance_rating = case when price_per_cpu_mark <= 0.02 then 'excellent'"
        " when price_per_cpu_mark <= 0.05 then 'good' when price_per_cpu_mark is not null then 'poor' end"
        " where id = any(%(ids)s)",
        ids=ids,
    )
    must = [
        Expected("derived_values_equal_their_formula", scope=LISTING, keys=texts(ids), fields=["adjusted_price_usd"])
    ]
    return Planted("formula_differs", mode=0, how="edited", must=must)


def state_moves_back(sample: "Sample", random: Random) -> Planted:
    """A second import of the same pages took the prices away from listings that were completed."""
    ids = some_of(sample, random, "listings", "exists (select from listing_changes where listing_id = listings.id)")
    altered(
        sample,
        """update listings set quality = 'partial', price_usd = null, adjusted_price_usd = null,
            price_per_cpu_mark = null, adjusted_deal_rating = null, cpu_price_performance_rating = null,
            missing_fields = '["price_usd"]' || (missing_fields - 'price_usd'),
            extraction_metadata = extraction_metadata - 'price_usd'
        where id = any(%(ids)s)""",
        """insert into listing_changes (listing_id, quality_before, quality_after, changed_at)
        select listing_id, 'full', 'partial', changed_at + interval '1 hour' from listing_changes
        where listing_id = any(%(ids)s)""",
        ids=ids,
    )
    must = [Expected("states_move_as_declared", scope=LISTING, keys=texts(ids))]
    return Planted("state_moves_back", mode=39, how="edited", must=must)


def job_disagrees_with_rows(sample: "Sample", random: Random) -> Planted:
    """Jobs counted addresses as failed whose rows are complete: a retry was counted twice."""
    ids = some_of(sample, random, "bulk_jobs", "completed > partial")
    altered(
        sample,
        "update bulk_jobs set completed = completed - 1, failed = failed + 1 where id = any(%(ids)s)",
        ids=ids,
    )
    must = [Expected("counts_are_conserved", scope={"hop": hop}, keys=texts(ids)) for hop in ("completed", "failed")]
    return Planted("job_disagrees_with_rows", mode=0, how="edited", must=must)


def required_value_lacking(sample: "Sample", random: Random) -> Planted:
    """Listings count as complete, and have no price: a release took them for it as they came."""
    ids = some_of(sample, random, "listings", "quality = 'partial'")
    altered(sample, "update listings set quality = 'full' where id = any(%(ids)s)", ids=ids)
    fields = ["price_usd", "adjusted_price_usd", "adjusted_deal_rating"]  # none of them is known without a price
    must = [Expected("required_values_are_there", scope=LISTING, keys=texts(ids), fields=fields)]
    may = ["derived_values_equal_their_formula"]  # the rating of a listing that has no price
    return Planted("required_value_lacking", mode=0, how="edited", must=must, may=may)


def state_unknown(sample: "Sample", random: Random) -> Planted:
    """A release has a third quality, in its revision and its models, and nobody has said what it means."""
    known, new = "quality in ('full', 'partial')", "quality in ('full', 'partial', 'draft')"
    replaced(revision(sample, "0022_partial_imports"), known, new)
    replaced(sample.code / "app" / "models" / "listing.py", known, new)
    unmoved = "quality = 'full' and not exists (select from listing_changes where listing_id = listings.id)"
    ids = some_of(sample, random, "listings", unmoved)
    altered(
        sample,
        "alter table listings drop constraint ck_listings_quality",
        f"alter table listings add constraint ck_listings_quality check ({new})",
    )
    altered(sample, "update listings set quality = 'draft' where id = any(%(ids)s)", ids=ids)
    must = [Expected("states_are_known", scope=LISTING, keys=texts(ids))]
    may = ["errors_have_one_format", "api_serves_the_rows", "api_values_equal_tables"]  # no filter takes it either
    return Planted("state_unknown", mode=0, how="edited", must=must, may=may)
