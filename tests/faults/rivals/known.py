"""What somebody knows of the samples who has read their documentation: what no schema and no parameter file tells."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Known:
    """Of one sample: values by column, columns that are empty where all is well, identities, and limits of age.

    `unique` are table, columns and condition; `fresh` are table, the columns by which rows are grouped and as the last
    one the time, and the key of the parameter file's policy that holds the limit.
    """

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    unique: tuple[tuple[str, tuple[str, ...], str], ...] = ()
    fresh: tuple[tuple[str, tuple[str, ...], str], ...] = ()


ALL_WELL = Known()  # of a sample of which no more is known

_CURRENCIES = ("USD", "JPY", "KWD")
_WITH_CURRENCY = (
    "order.currency",
    "order.presentment_currency",
    "customer.currency",
    "transaction.currency",
    "draft_order.currency",
    "payout.currency",
    "balance_transaction.currency",
    "dispute.currency",
    "gift_card.currency",
)
# As the provider's reference lists them.
_VALUES: dict[str, tuple[str, ...]] = {
    "order.financial_status": (
        "pending",
        "authorized",
        "partially_paid",
        "paid",
        "partially_refunded",
        "refunded",
        "voided",
    ),
    "order.fulfillment_status": ("fulfilled", "partial", "restocked"),
    "order.cancel_reason": ("customer", "fraud", "inventory", "declined", "other"),
    "order_address.kind": ("billing", "shipping"),
    "order_discount.type": ("fixed_amount", "percentage", "shipping"),
    "customer.state": ("disabled", "invited", "enabled", "declined"),
    "product.status": ("active", "archived", "draft"),
    "refund_line_item.restock_type": ("no_restock", "cancel", "return", "legacy_restock"),
    "transaction.kind": ("authorization", "capture", "sale", "void", "refund"),
    "transaction.status": ("pending", "failure", "success", "error"),
    "fulfillment.status": ("pending", "open", "success", "cancelled", "error", "failure"),
    "fulfillment.shipment_status": (
        "label_printed",
        "label_purchased",
        "attempted_delivery",
        "ready_for_pickup",
        "confirmed",
        "in_transit",
        "out_for_delivery",
        "picked_up",
        "delivered",
        "failure",
    ),
    "draft_order.status": ("open", "invoice_sent", "completed"),
    "payout.status": ("scheduled", "in_transit", "paid", "failed", "canceled"),
    "balance_transaction.type": ("charge", "refund", "dispute", "reserve", "adjustment", "credit", "debit", "payout"),
    "balance_transaction.payout_status": ("pending", "scheduled", "in_transit", "paid", "failed", "canceled"),
    "dispute.type": ("inquiry", "chargeback"),
    "dispute.status": ("needs_response", "under_review", "charge_refunded", "accepted", "won", "lost"),
}
# Of the integration's own tables: what is there where all is well. A row in error is no row in order.
_OWN = {
    "shopify_raw_ingest.processing_status": ("processed",),
    "shopify_raw_ingest.source": ("initial_sync", "sync", "webhook"),
    "shopify_webhook_delivery.outcome": ("accepted", "duplicate"),
}
_STOREFRONT = Known(
    values={
        **{f"shopify_{column}": values for column, values in _VALUES.items()},
        **{f"shopify_{column}": _CURRENCIES for column in _WITH_CURRENCY},
        **_OWN,
    },
    empty=(
        "shopify_raw_ingest.error_message",
        "shopify_raw_ingest.waits_for",
        "shopify_webhook_delivery.error",
        "shopify_sync_run.error",
    ),
    unique=(
        ("shopify_raw_ingest", ("delivery_id", "object_type", "shopify_object_id"), ""),
        ("shopify_webhook_delivery", ("delivery_id",), "outcome = 'accepted'"),
    ),
    fresh=(
        ("shopify_raw_ingest", ("integration_id", "created_at"), "silence_seconds"),
        ("shopify_webhook_delivery", ("integration_id", "received_at"), "silence_seconds"),
        ("shopify_sync_run", ("integration_id", "object_type", "started_at"), "sync_age_days"),
    ),
)
KNOWN = {"storefront": _STOREFRONT}
