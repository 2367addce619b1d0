"""The two clients, and the engagements whose rows are theirs."""

from dataclasses import dataclass

ACME = "0c5d8e1a-3b7f-4d26-9a41-6e2f8b0d7c35"
BOREALIS = "b1f4a6d2-9c03-4e58-8d7b-51a0e3c9f264"
CLIENTS = {"acme": ACME, "borealis": BOREALIS}


@dataclass(frozen=True)
class Engagement:
    client: str
    client_account_id: str
    engagement_id: str

    @property
    def settings(self) -> dict[str, str]:
        """By which the database's policies know whose a session is."""
        return {"app.client_account_id": self.client_account_id, "app.engagement_id": self.engagement_id}

    @property
    def headers(self) -> dict[str, str]:
        """By which the API does."""
        return {"X-Client-Account-ID": self.client_account_id, "X-Engagement-ID": self.engagement_id}


ENGAGEMENTS = (
    Engagement("acme", ACME, "3e9a7c50-1d84-4b6f-b2e3-0f5c9d8a7146"),
    Engagement("acme", ACME, "d7201b4e-6f95-4c3a-8e1d-a94b3c60f582"),
    Engagement("borealis", BOREALIS, "58c6f0e3-b27d-4a19-9f84-7d1e2a5b3c90"),
)
