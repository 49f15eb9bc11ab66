"""What a change of a published schema breaks: for who reads by yesterday's, and for us who read old logs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_SAYS: Final = {"title", "description", "examples", "$id", "$schema", "$defs", "discriminator"}
_WITHIN: Final = {"properties", "required", "enum", "default", "items", "additionalProperties"}


def breaking(was: Schema, now: Schema) -> list[str]:
    """What somebody who relies on the one document would not find in the other; empty where all is well.

    Both are of `signoff.events.schemas.documents`. Allowed are types and definitions that are new, fields
    that are new and may be absent, further values of a choice that is open, and other words.
    """
    found = [f"type {name} is gone" for name in _types(was) if name not in _types(now)]
    found += [f"{name} is gone" for name in was["$defs"] if name not in now["$defs"]]
    if not _types(was):
        found += _compare(str(was["title"]), was, now)
    for name, before in was["$defs"].items():
        if name in now["$defs"]:
            found += _compare(name, before, now["$defs"][name])
    return found


def _types(document: Schema) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document.get("discriminator", {}).get("mapping", {})
    return found


def _compare(path: str, was: Schema, now: Schema) -> Iterator[str]:
    yield from _fields(path, was, now)
    yield from _values(path, was, now)
    if was.get("default") != now.get("default") or ("default" in was) != ("default" in now):
        yield f"{path} meant {_shown(was, 'default')} when it was absent, and means {_shown(now, 'default')}"
    for name in ("items", "additionalProperties"):
        before, after = was.get(name), now.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _compare(f"{path}[]", before, after)
        elif before != after:
            yield f"{path} was {_shown(was, name)} and is {_shown(now, name)}"
    before, after = _rest(was), _rest(now)
    if before != after:
        yield f"{path} was {json.dumps(before)} and is {json.dumps(after)}"


def _fields(path: str, was: Schema, now: Schema) -> Iterator[str]:
    before, after = was.get("properties", {}), now.get("properties", {})
    needed, still = set(was.get("required", ())), set(now.get("required", ()))
    yield from (f"{path}.{name} is gone" for name in before if name not in after)
    yield from (f"{path}.{name} may be absent and never was" for name in sorted(needed - still & set(after)))
    yield from (f"{path}.{name} is required and was not" for name in sorted(still - needed))
    for name in before:
        if name in after:
            yield from _compare(f"{path}.{name}", before[name], after[name])


def _values(path: str, was: Schema, now: Schema) -> Iterator[str]:
    """The values of a choice. One that is open may get others; none loses one."""
    before, after = _choice(was), _choice(now)
    if before is None or after is None or _is_open(was) != _is_open(now):
        return
    yield from (f"{path} can no longer be {value}" for value in before if value not in after)
    if not _is_open(was):
        yield from (f"{path} may be {value}, which nobody expects" for value in after if value not in before)


def _choice(schema: Schema) -> list[Any] | None:
    found: list[Any] | None = schema.get("enum")
    return schema["anyOf"][0]["enum"] if _is_open(schema) else found


def _is_open(schema: Schema) -> bool:
    members = schema.get("anyOf", [])
    return len(members) == 2 and "enum" in members[0] and members[1] == {"type": "string"}


def _rest(schema: Schema) -> dict[str, Any]:
    """What has no rule of its own: the smallest difference counts."""
    rest = {name: value for name, value in schema.items() if name not in _SAYS | _WITHIN}
    if _is_open(schema):
        rest["anyOf"] = "an open choice"
    if "enum" in schema:
        rest["enum"] = "a choice"
    return rest


def _shown(schema: Schema, name: str) -> str:
    return json.dumps(schema[name]) if name in schema else "nothing"
