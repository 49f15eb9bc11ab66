"""Named queries and migrations, read from the ``.sql`` files beside this module."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

Dialect = Literal["postgres", "sqlite"]

_FOLDER: Final = Path(__file__).parent
_FILES: Final[Mapping[Dialect, tuple[str, ...]]] = {
    "postgres": ("queries.sql", "queries_inbox.sql", "queries_upkeep.sql"),
    "sqlite": ("queries_sqlite.sql", "queries_inbox_sqlite.sql", "queries_upkeep_sqlite.sql"),
}
_HEADER: Final = re.compile(r"^-- (name|fragment): (\w+)$", re.MULTILINE)
_INCLUDE: Final = re.compile(r"^ *-- include: (\w+)$", re.MULTILINE)
_MIGRATION: Final = re.compile(r"\d{4}_\w+_(?P<phase>pre|post)")


class Migration(Struct, frozen=True):
    """One step of the schema.

    A ``pre`` step is safe while the older code still runs; a ``post`` step waits until only the newer
    code does, and exists only where something has to go.
    """

    name: str
    phase: Literal["pre", "post"]
    sql: str

    @property
    def number(self) -> int:
        """Its place among the steps; those of one number belong together."""
        return int(self.name[:4])


@cache
def queries(dialect: Dialect) -> Mapping[str, str]:
    """Every query of a dialect by its name, with the fragments that it includes.

    Reads files the first time: call it off the event loop.
    """
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _FILES[dialect])
    _, *parts = _HEADER.split(script)
    named: dict[str, dict[str, str]] = {"name": {}, "fragment": {}}
    for kind, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        named[kind][name] = _INCLUDE.sub(lambda match: named["fragment"][match[1]], body.strip())
    return named["name"]


@cache
def migrations(dialect: Dialect) -> tuple[Migration, ...]:
    """Every migration of a dialect, in the order in which they are applied: by number, ``pre`` first."""
    paths = sorted((_FOLDER / "migrations" / dialect).glob("*.sql"), key=_order)
    return tuple(
        Migration(
            path.stem, "pre" if path.stem.endswith("_pre") else "post", path.read_text(encoding="utf-8")
        )
        for path in paths
    )


def _order(path: Path) -> tuple[str, bool]:
    match = _MIGRATION.fullmatch(path.stem)
    if match is None:
        raise ValueError(f"{path.name}: name a migration like 0001_log_pre.sql or 0001_log_post.sql")
    return path.stem[:4], match["phase"] == "post"
