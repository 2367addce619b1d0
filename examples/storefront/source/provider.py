"""The running provider: its store, rate limits, switches and outgoing deliveries in one place."""

from hmac import compare_digest

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

    def scopes_of(self, token: str) -> list[str] | None:
        """What a token was granted, None where it is none of ours; the one that writes is a private app's own."""
        granted = {self.settings.token: self.scopes, self.settings.write_token: ["read_customers", "write_customers"]}
        return next((scopes for one, scopes in granted.items() if compare_digest(token.encode(), one.encode())), None)

    def next_id(self, shop: Shop, kind: str) -> int:
        key = self.ids.next(shop, kind)
        self.save_ids()
        return key

    def save_ids(self) -> None:
        self.store.set("ids", self.ids.used)
