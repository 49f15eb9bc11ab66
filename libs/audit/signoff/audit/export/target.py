"""Where an export goes, and what it keeps there of itself: the options, and each batch, planned and done.

A plan says which positions a batch has, and is there before any of its files; so whoever goes on after a
process that was killed writes the same files again, and no file is left over. It and the note that a batch is
done are created where none is: of two exports at once, one goes on.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from signoff.audit.export.errors import ExportError, TargetError
from signoff.audit.export.parts import File, Made
from signoff.audit.export.selection import Selection
from signoff.events.objects import Objects

FOLDER: Final = "_signoff"
"""Below the target; queries over ``day=*`` do not see it."""

Format: TypeAlias = Literal["jsonl", "parquet"]

_OPTIONS: Final = f"{FOLDER}/export.json"
_BATCHES: Final = f"{FOLDER}/batches"
_DIGITS: Final = 9
_DONE: Final = "done"
_PLAN: Final = "plan"
_LAYOUT: Final = 1

_Entry = TypeVar("_Entry")


class Options(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an export is of. It stays so for as long as there is anything at the target."""

    layout: int = _LAYOUT
    format: Format
    selection: Selection


class Plan(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which positions a batch has: those above ``after`` and up to ``upto``."""

    number: int
    after: int
    upto: int


class Done(Struct, frozen=True, kw_only=True, rename="camel"):
    """A batch that is there with all its files."""

    number: int
    after: int
    upto: int
    events: int
    files: list[File]


class Cursor(Struct, frozen=True):
    """Where an export goes on: the last batch that is done, and the one that was begun after it."""

    done: Done | None
    begun: Plan | None

    @property
    def position(self) -> int | None:
        """Up to which all is there; ``None`` before the first batch."""
        return None if self.done is None else self.done.upto

    @property
    def number(self) -> int:
        """Of the next batch."""
        return 1 if self.done is None else self.done.number + 1


class Target:
    """A folder or a place in an object store, with one export.

    Args:
        objects: the place.
        name: what people call it.
    """

    def __init__(self, objects: Objects, *, name: str) -> None:
        self._objects = objects
        self.name = name

    async def claim(self, options: Options) -> None:
        """Make sure that the target holds an export with these options, or nothing yet.

        Raises:
            TargetError: it holds another one.
            ExportError: what is there is none.
            BlobError: it is away.
        """
        if await self._objects.create(_OPTIONS, msgspec.json.encode(options)):
            return
        kept = await self._read(_OPTIONS, Options)
        if kept.layout != options.layout:
            raise TargetError(f"{self.name} holds an export of another version: give another target")
        if kept != options:
            raise TargetError(
                f"{self.name} was begun {' and '.join(_apart(kept, options))}: say so, or give another target"
            )

    async def cursor(self) -> Cursor:
        """How far the export has come.

        Raises:
            ExportError: what is there is none.
            BlobError: it is away.
        """
        paths = await self._objects.paths(_BATCHES)
        done = [path for path in paths if path.endswith(f".{_DONE}.json")]
        last = await self._read(done[-1], Done) if done else None
        begun = _path(1 if last is None else last.number + 1, _PLAN)
        return Cursor(last, await self._read(begun, Plan) if begun in paths else None)

    async def begin(self, plan: Plan) -> None:
        """Note which positions the next batch has.

        Raises:
            ExportError: another export has noted that meanwhile.
            BlobError: it is away.
        """
        if not await self._objects.create(_path(plan.number, _PLAN), msgspec.json.encode(plan)):
            raise self._other()

    async def complete(self, plan: Plan, files: list[Made]) -> Done:
        """Write the files of a batch that was begun, and note that they are there.

        Raises:
            ExportError: another export has noted that meanwhile; what it has written are the same events.
            BlobError: it is away.
        """
        for made in files:
            await self._objects.write(made.file.path, made.content)
        done = Done(
            number=plan.number, after=plan.after, upto=plan.upto, files=[made.file for made in files],
            events=sum({made.file.first: made.file.events for made in files}.values()),
        )  # fmt: skip
        if not await self._objects.create(_path(plan.number, _DONE), msgspec.json.encode(done)):
            raise self._other()
        return done

    def _other(self) -> ExportError:
        return ExportError(
            f"another export writes to {self.name} at this moment: let it end; nothing is lost or doubled"
        )

    async def _read(self, path: str, kind: type[_Entry]) -> _Entry:
        try:
            return msgspec.json.decode(await self._objects.read(path), type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ExportError(f"{path} in {self.name} is nothing that an export wrote: {error}") from error


def _apart(kept: Options, wanted: Options) -> Iterator[str]:
    """How an export was begun, as the command line says it, where that is not what is wanted."""
    if kept.format != wanted.format:
        yield f"with --format {kept.format}"
    for name in Selection.__struct_fields__:
        value = getattr(kept.selection, name)
        if value != getattr(wanted.selection, name):
            yield f"without --{name}" if value is None else f"with --{name} {value}"


def _path(number: int, what: str) -> str:
    return f"{_BATCHES}/{number:0{_DIGITS}}.{what}.json"
