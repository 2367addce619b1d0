"""The money's way to the bank: payouts, the balance transactions they are made of, and disputes."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped

from app.models.base import Base
from app.models.shopify.refined import Day, Refined, belongs_to, one_per_shop, refers_to, taken_from


class ShopifyPayout(Refined, Base):
    __tablename__ = "shopify_payout"
    __table_args__ = one_per_shop(__tablename__, "shopify_payout_id")
    object_type = "payout"
    key = ("shopify_payout_id",)

    shopify_payout_id: Mapped[int] = taken_from("id")
    status: Mapped[str | None]
    date: Mapped[Day | None]
    currency: Mapped[str | None]
    amount: Mapped[Decimal | None]


class ShopifyBalanceTransaction(Refined, Base):
    __tablename__ = "shopify_balance_transaction"
    __table_args__ = one_per_shop(__tablename__, "shopify_balance_transaction_id")
    object_type = "balance_transaction"
    key = ("shopify_balance_transaction_id",)

    shopify_balance_transaction_id: Mapped[int] = taken_from("id")
    shopify_payout_id: Mapped[int] = taken_from("payout_id")
    payout_id: Mapped[UUID] = belongs_to("payout", "shopify_payout_id")
    type: Mapped[str | None]
    test: Mapped[bool | None]
    payout_status: Mapped[str | None]
    currency: Mapped[str | None]
    amount: Mapped[Decimal | None]
    fee: Mapped[Decimal | None]
    net: Mapped[Decimal | None]
    source_id: Mapped[int | None]
    source_type: Mapped[str | None]
    source_order_id: Mapped[int | None]
    source_order_transaction_id: Mapped[int | None]
    processed_at: Mapped[datetime | None]


class ShopifyDispute(Refined, Base):
    __tablename__ = "shopify_dispute"
    __table_args__ = one_per_shop(__tablename__, "shopify_dispute_id")
    object_type = "dispute"
    key = ("shopify_dispute_id",)

    shopify_dispute_id: Mapped[int] = taken_from("id")
    shopify_order_id: Mapped[int | None] = taken_from("order_id")
    order_id: Mapped[UUID | None] = refers_to("order", "shopify_order_id")
    type: Mapped[str | None]
    amount: Mapped[Decimal | None]
    currency: Mapped[str | None]
    reason: Mapped[str | None]
    network_reason_code: Mapped[str | None]
    status: Mapped[str | None]
    evidence_due_by: Mapped[datetime | None]
    evidence_sent_on: Mapped[datetime | None]
    finalized_on: Mapped[datetime | None]
    initiated_at: Mapped[datetime | None]
