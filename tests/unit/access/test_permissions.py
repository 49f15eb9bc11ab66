"""The table of who may do what."""

import pytest

from signoff.access.callers import Principal
from signoff.access.permissions import ROLES, TABLE, Operation, allows, bounded, expanded
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Actor, Role

EVERYTHING = list(TABLE)
_CHANGING = (":write", ":manage", ":start", ":amend", ":assign")


def test_admin_is_write_and_write_is_read_and_the_others_are_themselves() -> None:
    assert expanded(["admin"]) == {"admin", "write", "read"}
    assert expanded(["write"]) == {"write", "read"}
    assert [expanded([role]) for role in ("read", "approver", "auditor")] == [
        {"read"},
        {"approver"},
        {"auditor"},
    ]


@pytest.mark.parametrize("operation", EVERYTHING)
def test_a_higher_role_may_all_that_a_lower_one_may(operation: Operation) -> None:
    may = [allows([role], operation) for role in ("read", "write", "admin")]

    assert may == sorted(may)


@pytest.mark.parametrize("operation", EVERYTHING)
def test_every_operation_is_somebodys_and_nobody_without_a_role_may_do_it(operation: Operation) -> None:
    assert any(allows([role], operation) for role in ROLES)
    assert not allows([], operation)


@pytest.mark.parametrize("role", ["approver", "auditor"])
def test_who_decides_or_audits_changes_nothing(role: Role) -> None:
    changes = [each for each in EVERYTHING if each.endswith(_CHANGING)]
    allowed = {each for each in changes if allows([role], each)}

    assert allowed <= {"account:manage", "files:write"}
    assert not allows(["auditor"], "files:write")
    assert not allows(["auditor"], "pauses:decide")
    assert not allows(["auditor"], "pauses:comment")


def test_a_key_bounds_what_its_owner_may_and_adds_nothing() -> None:
    assert bounded(["admin"], ["read"]) == {"read"}
    assert bounded(["read"], ["admin", "approver"]) == {"read"}
    assert bounded(["write"], None) == {"read", "write"}


def test_a_principal_may_what_its_roles_may() -> None:
    writer = Principal(
        actor=Actor(type="user", id="u"), workspace_id=DEFAULT_WORKSPACE, roles=expanded(["write"])
    )

    assert [writer.may(each) for each in ("workflows:read", "workflows:write", "keys:manage")] == [
        True,
        True,
        False,
    ]
