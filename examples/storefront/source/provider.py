"""The running provider: its store, rate limits, switches and outgoing deliveries in one place."""

from .catalogue import SCOPES, SHOPS, Shop
from .deliveries import Dispatcher
from .faults import Faults
from .generator import generate
from .limiter import LeakyBucket
from .settings import Settings
from .store import Store


class Provider:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.data)
        if self.store.is_empty:
            generate(self.store, settings.size, settings.seed)
        self.ids = self.store.load_ids()
        self.faults = Faults()
        self.buckets = {domain: LeakyBucket(settings.bucket, settings.rate) for domain in SHOPS}
        self.dispatcher = Dispatcher(self.store, self.faults, settings.webhook_secret)

    @property
    def scopes(self) -> list[str]:
        revoked = self.faults.get("revoked_scopes", [])
        granted = (*SCOPES, *self.faults.get("further_scopes", []))
        return [scope for scope in granted if scope not in revoked]

    def next_id(self, shop: Shop, kind: str) -> int:
        key = self.ids.next(shop, kind)
        self.save_ids()
        return key

    def save_ids(self) -> None:
        self.store.set("ids", self.ids.used)
