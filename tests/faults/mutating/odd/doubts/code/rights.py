"""What is asked for, and what is to be told of."""

from elsewhere import MORE_HOOKS, MORE_RIGHTS

RIGHTS = ["read_members", *MORE_RIGHTS]  # who they are
HOOKS = ["member.created", "member.updated", "member.removed", *MORE_HOOKS]
