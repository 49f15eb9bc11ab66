"""What a request asks of the log, of the records beside it and of the object store."""

import asyncio
import functools
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from signoff.events.topics import directory_log_id
from support.gateways import Server


class StoreCalls:
    """Notes every call of a server's stores, and by which task it was made."""

    def __init__(self) -> None:
        self._made: list[tuple[asyncio.Task[Any] | None, str]] = []

    def watch(self, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
        """Note what is asked from now on."""
        for prefix, port in (
            ("log", server.store),
            ("records", server.store.records),
            ("objects", server.blobs.objects),
        ):
            for name, method in inspect.getmembers(port, inspect.ismethod):
                if not name.startswith("_"):
                    monkeypatch.setattr(port, name, self._noting(f"{prefix}.{name}", method))

    def _noting(self, name: str, method: Any) -> Any:
        @functools.wraps(method)
        def noting(*args: Any, **given: Any) -> Any:
            # Whether a change of the directory was seen already, by the task that follows it, is chance.
            if args[:1] != (directory_log_id(),):
                self._made.append((_task(), name))
            return method(*args, **given)

        return noting

    @contextmanager
    def of_requests(self) -> Iterator[list[str]]:
        """Collects the names of the calls that requests within the block make.

        A request is served by tasks of its own, on a connection of its own. Tasks that ran before are the
        server's, and so are those that its executor begins meanwhile.
        """
        before, start = asyncio.all_tasks(), len(self._made)
        names: list[str] = []
        yield names
        names += [name for task, name in self._made[start:] if task not in before and not _is_executors(task)]


def _task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None  # a thread of the object store


def _is_executors(task: asyncio.Task[Any] | None) -> bool:
    code = getattr(task and task.get_coro(), "cr_code", None)
    return code is not None and "/services/executor/" in code.co_filename
