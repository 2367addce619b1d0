"""The Celery application: its broker, its tasks and what beat queues when."""

import warnings
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import beat_init, celeryd_init, setup_logging

from app.core import faults
from app.core.config import get_settings
from app.core.logging import set_up

settings = get_settings()

celery_app = Celery("hunter", broker=settings.broker_url, include=["app.core.tasks"])

celery_app.conf.update(
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    result_expires=None,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 5},
    beat_max_loop_interval=1,
    beat_schedule={
        "sync-partner-center-referrals": {
            "task": "app.core.tasks.sync_partner_center_referrals_task",
            "schedule": settings.referral_sync_seconds,
            "kwargs": {"trigger": "beat"},
            # A sync that nobody took in time is made up for by the next one, not by a burst of all that were missed.
            "options": {"expires": settings.referral_sync_seconds},
        },
    },
)

if faults.is_on("beat_entry_missing"):
    celery_app.conf.beat_schedule = {}
if faults.is_on("task_never_registered"):
    celery_app.conf.include = []

# It runs in a container, whose only user is root.
warnings.filterwarnings("ignore", category=SecurityWarning)

setup_logging.connect(set_up, weak=False)
celeryd_init.connect(set_up, weak=False)


@beat_init.connect
def sync_at_once(sender: Any, **_: Any) -> None:
    """Queue the first sync of a new installation when beat starts, and not one interval later."""
    for entry in sender.scheduler.schedule.values():
        if entry.total_run_count == 0:
            entry.last_run_at -= entry.schedule.run_every
