"""What keeps the tenants of a database apart: row security, its policies, and the roles that may go around them."""

from dsaudit.facts.tenancy.catalogue import Policy, Protection, protections
from dsaudit.facts.tenancy.expressions import bound
from dsaudit.facts.tenancy.roles import Role, roles

__all__ = ["Policy", "Protection", "Role", "bound", "protections", "roles"]
