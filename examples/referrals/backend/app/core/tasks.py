"""What the workers do."""

from celery import Task

from app.core.celery_app import celery_app
from app.services.referral_ingestion import sync_referrals


@celery_app.task(bind=True, name="app.core.tasks.sync_partner_center_referrals_task")
def sync_partner_center_referrals_task(self: Task, trigger: str = "direct") -> None:
    """Bring the referrals up to date with Partner Center; `trigger` says who asked for it."""
    sync_referrals(self.request.id, trigger)
