"""Those who may decide, in words."""

from collections.abc import Mapping
from typing import Final

from signoff.gateway.inbox.people import Party

_ROLES: Final[Mapping[str, str]] = {
    "admin": "administrators",
    "approver": "approvers",
    "auditor": "auditors",
    "read": "readers",
    "write": "writers",
}
"""Everybody with a role."""


def party_name(party: Party) -> str:
    """What one who may decide is called: a person or a group by name, a role by those who have it."""
    return _ROLES.get(party.name, party.name) if party.kind == "role" else party.name
