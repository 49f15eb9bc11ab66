"""The check of code for callers without an event loop, such as `signoff lint`."""

import asyncio
from collections.abc import Collection
from types import TracebackType
from typing import Self

from signoff.sandbox.pool import Sandbox
from signoff.sandbox.programs import CodeFault, Language, ProgramKind


class Checker:
    """Checks texts one after the other in workers of its own: `with Checker() as checker`."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        """Start the workers (about 100 ms).

        Raises:
            WorkerLostError: no worker can be started.
            RuntimeError: there is an event loop here; use `Sandbox.check`.
        """
        try:
            self._sandbox = self._runner.run(Sandbox.start(workers=1))
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._runner.run(self._sandbox.close())
        finally:
            self._runner.close()

    def check(
        self,
        source: str,
        *,
        language: Language = "javascript",
        kind: ProgramKind = "function",
        names: Collection[str] = (),
    ) -> list[CodeFault]:
        """Find what is wrong with the text of a program without running it, as `Sandbox.check` does.

        Raises:
            WorkerLostError: its worker ended.
        """
        check = self._sandbox.check(source, language=language, kind=kind, names=names, workspace="")
        return self._runner.run(check)
