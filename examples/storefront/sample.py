"""The running sample: what a test, a planter or the command line does with it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.control import SampleError, call, poll
from examples.sample import RunningSample

# Tenant: integration id and account, as the parameter file names them.
TENANTS = {
    "acme": ("5f0c2b1e-8a54-4c1b-9d3e-0a1b2c3d4e5f", "acme.myshopify.example"),
    "borealis": ("7d9e4f60-1b2a-4f3c-8e5d-6f7a8b9c0d1e", "borealis.myshopify.example"),
}
SHOPS = tuple(account for _, account in TENANTS.values())


@dataclass(frozen=True)
class Start:
    """What is kept of a sample as it had just started, for its clones; the addresses inside name that backend."""

    database: str
    data: Path
    log: Path
    backend_url: str


@dataclass(frozen=True)
class Sample(RunningSample):
    example, parameter_file = "storefront", "sample.yml"

    server_url: str = field(repr=False)
    source_url: str
    backend_url: str
    control_token: str = field(repr=False)
    role_suffix: str
    start: Start | None = None

    def source_control(self, action: str, body: object = None) -> Any:
        """Ask the provider's side: status, deliveries, or with a body faults, change, record."""
        return call(f"{self.source_url}/_control/{action}", self.control_token, body)

    def backend_control(self, action: str, body: object = None) -> Any:
        """Ask the integration: status, or with a body faults."""
        return call(f"{self.backend_url}/_control/{action}", self.control_token, body)

    def change(self, count: int, seed: int | None = None) -> Any:
        """Let that many live changes happen, spread over shops and resources."""
        made = self.source_control("status")["deliveries"]
        return self.source_control("change", {"count": count, "seed": self.seed + made if seed is None else seed})

    def record(self, shop: str, collection: str, action: str, key: object = None, **values: object) -> Any:
        """Create, update or delete one object at the source, as a person at the shop would."""
        body = {"shop": shop, "collection": collection, "action": action, "id": key, "values": values}
        return self.source_control("record", {name: value for name, value in body.items() if value is not None})

    def sync(self, *shops: str, resources: list[str] | None = None) -> list[Any]:
        """Let the integration read its shops through the API, side by side."""

        def one(shop: str) -> Any:
            return self.integration("sync", {"shop": shop, "resources": resources})

        return side_by_side(one, shops or SHOPS)

    def integration(self, action: str, body: object) -> Any:
        """Call the integration's own endpoints: sync, which takes as long as it takes, and register."""
        return call(f"{self.backend_url}/api/v1/integrations/shopify/{action}", body=body, timeout=None)

    def settle(self, timeout: float = 10) -> None:
        """Wait until no delivery and no refinement is in flight."""
        deliveries = refinements = 0
        for _ in poll(timeout):
            # In this order: the integration answers a delivery only when its refinement is counted.
            deliveries = self.source_control("status")["pending_deliveries"]
            refinements = self.backend_control("status")["pending"]
            if not deliveries and not refinements:
                return
        raise SampleError(f"after {timeout} s {deliveries} deliveries and {refinements} refinements are in flight")

    def switches(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The faults that are switched on, at the source and in the integration."""
        return self.source_control("faults", {})["faults"], self.backend_control("faults", {})["faults"]

    def heal(self) -> None:
        """Clear every switch and read everything again. Rows that were stored wrong for good stay: use a clone."""
        source, backend = self.switches()
        self.source_control("faults", dict.fromkeys(source))
        self.backend_control("faults", dict.fromkeys(backend))
        self.settle()
        self.sync()
        self.settle()

    def clone(self) -> AbstractContextManager["Sample"]:
        """A copy of the sample as it was when it had started, with its own database and processes; thrown away."""
        from .launcher import cloned

        return cloned(self)


def side_by_side(function: Callable[[str], Any], arguments: Iterable[str]) -> list[Any]:
    with ThreadPoolExecutor() as threads:
        return list(threads.map(function, arguments))
