"""How authors name people: an e-mail address, ``user:``, ``group:`` or ``role:``."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from signoff.engine.checks.values import shown
from signoff.engine.definitions.faults import at
from signoff.engine.definitions.inspection import Inspection
from signoff.events.types import Role

HINT: Final = 'such as ["group:finance"]'
MAX_WEIGHT: Final = 1_000
"""The most that one person's decision may weigh."""

_MOST_LETTERS: Final = 320
_NAMED: Final = ("user:", "group:", "role:")
_ROLES: Final[tuple[str, ...]] = get_args(Role)


def read_people(
    value: Any, path: str, *, most: int, keys: Mapping[str, str] | None, inspection: Inspection
) -> list[str]:
    """Reads a list of people.

    Args:
        value: as an author wrote it.
        path: where it stands.
        most: entries that it may have.
        keys: of the people, by name as written; ``None`` where nobody has looked for them yet.
        inspection: takes what is wrong.

    Returns:
        The keys, each once; the names as written, where there are no keys yet.
    """
    listed = inspection.items(value, path, most, HINT)
    found = [read_person(each, each_path, keys=keys, inspection=inspection) for each_path, each in listed]
    return list(dict.fromkeys(each for each in found if each is not None))


def read_weights(
    value: Any, path: str, *, most: int, keys: Mapping[str, str] | None, inspection: Inspection
) -> dict[str, int]:
    """Reads what the decisions of some people weigh, by their names; see `read_people`."""
    if value is None or (isinstance(value, str) and inspection.is_open(value)):
        return {}
    if not isinstance(value, dict) or not 1 <= len(value) <= most:
        inspection.fault(path, f"must be an object with 1 to {most} names", "such as {group:board: 2}")
        return {}
    weights: dict[str, int] = {}
    for name, written in value.items():
        key = read_person(name, at(path, name), keys=keys, inspection=inspection)
        weight = inspection.whole(written, at(path, name), MAX_WEIGHT)
        if key is not None and weight is not None:
            weights[key] = max(weight, weights.get(key, 1))
    return weights


def read_person(
    name: Any, path: str, *, keys: Mapping[str, str] | None, inspection: Inspection
) -> str | None:
    """Reads one name; see `read_people`."""
    if inspection.is_open(name):
        return None
    if not isinstance(name, str) or not name.strip():
        inspection.fault(path, f"must be the name of a user, a group or a role, as a text, not {shown(name)}")
        return None
    if not _is_well_named(name.strip(), path, inspection):
        return None
    if keys is None:
        return name
    if name not in keys:
        inspection.fault(path, f"{shown(name)} is nobody in this workspace", "correct the name")
    return keys[name]


def is_user(name: str) -> bool:
    """Whether a name, or a key, is that of one person."""
    return not name.strip().startswith(_NAMED[1:])


def _is_well_named(name: str, path: str, inspection: Inspection) -> bool:
    if len(name) > _MOST_LETTERS:
        inspection.fault(path, f"is longer than the {_MOST_LETTERS} characters of a name")
        return False
    kind, colon, rest = name.partition(":")
    if not colon and "@" not in name:
        inspection.fault(
            path, f"{shown(name)} may be a user, a group or a role", f'write "group:{name}" if it is a group'
        )
        return False
    if colon and f"{kind}:" not in _NAMED and "@" not in name:
        inspection.fault(
            path, f"{shown(name)} names neither a user nor a group nor a role",
            inspection.findings.did_you_mean(kind, [each[:-1] for each in _NAMED]),
        )  # fmt: skip
        return False
    if kind == "role":
        return inspection.choice(rest, path, _ROLES) is not None
    if colon and not rest.strip():
        inspection.fault(path, f"{shown(name)} has no name", f'such as "{kind}:finance"')
        return False
    return True
