"""What the app asks the ledger for, and what it wants to be told."""

BASE = ["read_members"]  # members and when they joined
RIGHTS = [
    *BASE,
    "read_invoices",  # invoices with their lines
]
HOOKS = tuple(f"{kind}.{what}" for kind in ("member", "invoice") for what in ("created", "updated", "removed"))
