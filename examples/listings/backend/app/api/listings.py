"""The listings: read, made by hand, completed and deleted."""

from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response

from app.api.asking import CONDITIONS, MARKETPLACES, Body, endpoint, listing_id, one_of, page, price, whole, words
from app.api.responses import ApiError, answer
from app.core import faults
from app.core.db import transaction
from app.models import Cpu, Listing
from app.services import cpus, listings

QUALITIES = ("full", "partial")
MANUALLY = ("title", "price_usd", "condition", "ram_gb", "storage_gb")
FIELDS = (
    *("id", "title", "url", "marketplace", "price_usd", "condition", "cpu_id", "ram_gb", "storage_gb", "quality"),
    *("missing_fields", "extraction_metadata", "adjusted_price_usd", "price_per_cpu_mark", "adjusted_deal_rating"),
    *("cpu_price_performance_rating", "created_at", "updated_at"),
)


def shown(listing: Listing) -> dict[str, Any]:
    cpu = listing.cpu
    about = cpu and {name: getattr(cpu, name) for name in ("id", "name", "cpu_mark", "single_thread_rating")}
    told = {**{name: getattr(listing, name) for name in FIELDS}, "cpu": about}
    if faults.is_on("answer_breaks_schema"):
        told["ranking"] = None
    return told


@endpoint
def all_of_them(request: Request, body: Body) -> Response:
    number, size = page(request)
    statement = select(Listing)
    for name, values in (("quality", QUALITIES), ("marketplace", MARKETPLACES)):
        value = one_of(dict(request.query_params), name, values)
        if value is not None:
            statement = statement.where(getattr(Listing, name) == value)
    with transaction() as session:
        total = session.scalar(statement.with_only_columns(func.count(), maintain_column_froms=True))
        rows = session.scalars(statement.order_by(Listing.id).limit(size).offset((number - 1) * size)).all()
        return answer({"listings": [shown(row) for row in rows], "total": total, "page": number, "page_size": size})


@endpoint
def by_id(request: Request, body: Body) -> Response:
    with transaction() as session:
        return answer(shown(_there(session, listing_id(request))))


@endpoint
def create(request: Request, body: Body) -> Response:
    """A listing made by hand; its quality and what it lacks follow from its values, whatever the request says."""
    values = {
        "title": words(body, "title", needed=True),
        "url": words(body, "url"),
        "marketplace": one_of(body, "marketplace", MARKETPLACES, needed=True),
        "price_usd": price(body),
        "condition": one_of(body, "condition", CONDITIONS),
        "ram_gb": whole(body, "ram_gb"),
        "storage_gb": whole(body, "storage_gb"),
    }
    key = whole(body, "cpu_id")
    with transaction() as session:
        cpu = session.get(Cpu, key) if key else cpus.found_in(session, str(values["title"]))
        if key and cpu is None:
            raise ApiError(422, f"cpu_id: there is no processor {key}")
        sources = {**dict.fromkeys(MANUALLY, "manual"), "cpu_id": "manual" if key else "enriched"}
        return answer(shown(listings.create(session, values, cpu, sources)), 201)


@endpoint
def complete(request: Request, body: Body) -> Response:
    key = listing_id(request)
    least = Decimal(-(10**8)) if faults.is_on("negative_price_accepted") else Decimal("0.01")
    amount = price(body, needed=True, least=least)
    assert amount is not None
    condition = one_of(body, "condition", CONDITIONS)
    with transaction() as session:
        try:
            listing = listings.complete(session, key, amount, condition)
        except listings.NotThere:
            _absent(key)
        except listings.AlreadyFull:
            raise ApiError(400, f"the listing {key} is complete already") from None
    listings.count_completion(listing)
    return answer(shown(listing))


@endpoint
def remove(request: Request, body: Body) -> Response:
    key = listing_id(request)
    with transaction() as session:
        try:
            listings.remove(session, key)
        except listings.NotThere:
            _absent(key)
        except listings.InUse:
            raise ApiError(409, f"an import made the listing {key}; delete its bulk job") from None
    return answer({"id": key, "deleted": True})


def _there(session: Any, key: int) -> Listing:
    try:
        return listings.by_id(session, key)
    except listings.NotThere:
        _absent(key)


def _absent(key: int) -> Any:
    if faults.is_on("unknown_id_is_500"):
        raise AttributeError("'NoneType' object has no attribute 'quality'")
    raise ApiError(404, f"there is no listing {key}") from None
