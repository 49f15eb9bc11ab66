"""One execution: followed, waited for, decided, cancelled, tried again."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Final, Unpack

import msgspec
from msgspec import Meta, Struct

from signoff.client.answers.decisions import HeldDecision
from signoff.client.answers.executions import (
    Cancelled,
    ExecutionStatus,
    ExecutionView,
    Retried,
    StreamEvent,
)
from signoff.client.answers.forks import DryRun, Forked
from signoff.client.answers.pauses import PausePoint, Resumed
from signoff.client.answers.states import ExecutionState, Job
from signoff.client.answers.tokens import StreamToken
from signoff.client.downloads import pieces_of, write_pieces
from signoff.client.errors import Json, NotFoundError
from signoff.client.follow import follow
from signoff.client.pages import Page, items
from signoff.client.resources.forks import ForkEdits, fork_body
from signoff.client.resources.pauses import AsyncPauses
from signoff.client.transport import Transport, api_path, query
from signoff.client.waiting import ended, wait_for

_ENDS: Final[Sequence[ExecutionStatus]] = ("completed", "failed", "cancelled")


class _Named(Struct, rename="camel"):
    workflow_id: str


class _First(Struct, rename="camel"):
    events: Annotated[list[_Named], Meta(min_length=1)]


class _EventsPage(Struct, rename="camel"):
    events: list[msgspec.Raw]
    next_from: int | None = None


_event_decoder: Final = msgspec.json.Decoder(StreamEvent)


class AsyncExecution:
    """An execution that is known: started here, or named by its id.

    Attributes:
        id: the execution's id, or that of one of its runs.
        run_id: the run that :meth:`follow` shows; the execution's own id for all of it.
        workflow_id: its workflow; ``None`` until somebody asked for it.
        status_url: where its run is looked at over HTTP, if it was started by this handle's maker.
    """

    def __init__(
        self,
        transport: Transport,
        execution_id: str,
        *,
        workflow_id: str | None,
        run_id: str | None = None,
        status_url: str | None = None,
        patience: float,
    ) -> None:
        self.id = execution_id
        self.run_id = run_id or execution_id
        self.workflow_id = workflow_id
        self.status_url = status_url
        self._transport = transport
        self._patience = patience

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, workflow_id={self.workflow_id!r})"

    async def find_workflow(self) -> str:
        """The workflow of the execution; the server is asked once.

        Raises:
            NotFoundError: there is no such execution.
        """
        if self.workflow_id is None:
            page = await self._transport.call(
                _First, "GET", api_path("executions", self.id, "events"), params=query(limit=1)
            )
            self.workflow_id = page.events[0].workflow_id
        return self.workflow_id

    async def status(
        self, *, include_output: bool = False, selected_outputs: Sequence[str] = ()
    ) -> ExecutionView:
        """The execution as it is now; large outputs are resolved.

        Args:
            include_output: with its ``final_output``.
            selected_outputs: with these in its ``block_outputs``, such as ``pay.receipt``.
        """
        return await self._transport.call(
            ExecutionView,
            "GET",
            api_path("workflows", await self.find_workflow(), "executions", self.id),
            params=query(
                includeOutput=include_output or None, selectedOutputs=",".join(selected_outputs) or None
            ),
        )

    async def state(
        self,
        *,
        as_of: int | str | None = None,
        include_output: bool = False,
        selected_outputs: Sequence[str] = (),
    ) -> ExecutionState:
        """The execution with its input, its variables, its pause points and decisions, now or in its past.

        Args:
            as_of: after this event, or at this moment, ISO 8601; without an offset it is UTC. Now where it
                is left away.
            include_output: with its ``final_output``.
            selected_outputs: with these in its ``block_outputs``, such as ``pay.receipt``.

        Raises:
            InvalidRequestError: it has no such event, or had not begun by then.
        """
        return await self._transport.call(
            ExecutionState,
            "GET",
            api_path("executions", self.id),
            params=query(
                asOf=as_of,
                includeOutput=include_output or None,
                selectedOutputs=",".join(selected_outputs) or None,
            ),
        )

    async def job(self) -> Job:
        """How far its run is, by itself: the one that ``run_id`` names."""
        return await self._transport.call(Job, "GET", api_path("jobs", self.run_id))

    async def stream_token(self) -> StreamToken:
        """A token by which a browser's ``EventSource`` opens the execution's stream, within 60 s."""
        return await self._transport.call(
            StreamToken, "POST", api_path("stream-tokens"), json={"executionId": self.id}
        )

    async def follow(
        self, *, after: int = 0, through_pauses: bool = False
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events of the execution, or of its run, from its log and then as they happen.

        Each comes once, in order; lost connections are made again. It ends when the execution, or
        the run, pauses or ends.

        Args:
            after: the last ``event_id`` already known.
            through_pauses: stay until the execution has ended for good.

        Yields:
            Every event after the one that is known.

        Raises:
            RefusedError: the server will not show them.
            UnreachableError: no server for longer than the client's patience.
        """
        workflow_id = await self.find_workflow()
        path = api_path("workflows", workflow_id, "executions", self.run_id, "stream")
        params = query(follow=through_pauses or None)
        stream = follow(self._transport, path, params=params, after=after, patience=self._patience)
        async with aclosing(stream) as events:
            async for event in events:
                yield event

    def events(
        self, *, after: int = 0, until: int | None = None, page_size: int = 100
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events recorded so far, page by page; it does not wait for more.

        Args:
            after: the last ``event_id`` already known.
            until: the last one that is wanted.
            page_size: how many are asked for at once.
        """

        async def fetch(cursor: str | None) -> Page[StreamEvent]:
            page = await self._transport.call(
                _EventsPage,
                "GET",
                api_path("executions", self.id, "events"),
                params=query(**{"from": cursor or after, "to": until, "limit": page_size}),
            )
            found = [_event_of(bytes(raw)) for raw in page.events]
            return found, None if page.next_from is None else str(page.next_from)

        return items(fetch)

    async def blob(self, digest: str) -> bytes:
        """A large value that one of its events names.

        Args:
            digest: as in the reference, ``sha256:…``.

        Raises:
            NotFoundError: no event names it.
        """
        path = api_path("executions", self.id, "blobs", digest.removeprefix("sha256:"))
        return (await self._transport.request("GET", path)).body

    async def bundle(self, to: Path, *, with_children: bool = False) -> Path:
        """Write it as a bundle: one signed file that proves itself. The path holds all of it or nothing.

        Args:
            to: where; what is there is replaced.
            with_children: with the executions that it called.

        Raises:
            RefusedError: the server will not give it.
            UnreachableError: the connection broke off.
            ConfigurationError: it cannot be written there.
        """
        path, params = api_path("executions", self.id, "bundle"), query(withChildren=with_children or None)
        return await write_pieces(pieces_of(self._transport, path, params), to)

    async def wait(self, *, timeout: float | None = None) -> ExecutionView:  # noqa: ASYNC109 - as in other SDKs
        """Wait until the execution has ended for good, through its pauses.

        Args:
            timeout: seconds; ``None`` for as long as it takes, which may be weeks where people decide.

        Raises:
            WaitTimeoutError: it has not ended in time.
        """
        return await self._wait_for(_ENDS, timeout)

    async def wait_until(
        self,
        *statuses: ExecutionStatus,
        timeout: float | None = None,  # noqa: ASYNC109 - as in other SDKs
    ) -> ExecutionView:
        """Wait until the execution is in one of some states, such as ``paused``.

        Args:
            *statuses: the states.
            timeout: seconds; ``None`` for as long as it takes.

        Raises:
            ExecutionEndedError: it has ended in another one.
            WaitTimeoutError: it is in none of them in time.
        """
        view = await self._wait_for(statuses, timeout)
        if view.status not in statuses:
            raise ended(view)
        return view

    async def result(self, *, timeout: float | None = None) -> Json:  # noqa: ASYNC109 - as in other SDKs
        """Wait for the execution's end, and give its output.

        Args:
            timeout: seconds; ``None`` for as long as it takes.

        Raises:
            ExecutionFailedError: it failed or was cancelled.
            WaitTimeoutError: it has not ended in time.
        """
        view = await self._wait_for(_ENDS, timeout)
        if view.status != "completed":
            raise ended(view)
        return (await self.status(include_output=True)).final_output

    async def pauses(self) -> Sequence[PausePoint]:
        """Its pause points, open or not; none for one that never paused."""
        try:
            paused = await self._pauses().get(await self.find_workflow(), self.id)
        except NotFoundError:
            return ()
        return paused.pause_points

    async def resume(
        self,
        context_id: str,
        input: Json = None,  # noqa: A002 - the API's own word
        *,
        content_digest: str | None = None,
        early: bool = False,
        hold_seconds: int | None = None,
        retry: bool = False,
        idempotency_key: str | None = None,
    ) -> Resumed:
        """Decide one of its pause points: see ``client.pauses.resume``."""
        return await self._pauses().resume(
            await self.find_workflow(),
            self.id,
            context_id,
            input,
            content_digest=content_digest,
            early=early,
            hold_seconds=hold_seconds,
            retry=retry,
            idempotency_key=idempotency_key,
        )

    def held(self) -> AsyncGenerator[HeldDecision, None]:
        """The decisions that came before their pause points, also those that were taken."""
        return self._pauses().held(self.id)

    async def cancel(self, *, idempotency_key: str | None = None) -> Cancelled:
        """Stop it, whether it runs or is paused.

        Raises:
            ConflictError: it has ended.
        """
        return await self._transport.call(
            Cancelled,
            "POST",
            api_path("workflows", await self.find_workflow(), "executions", self.id, "cancel"),
            json={},
            key=idempotency_key,
        )

    async def retry(self, *, reason: str = "", idempotency_key: str | None = None) -> Retried:
        """Try it again, from the blocks that failed, in the same log.

        Args:
            reason: why, for the record.
            idempotency_key: the same key and reason again give the same run.

        Raises:
            ConflictError: it has not failed.
        """
        return await self._transport.call(
            Retried,
            "POST",
            api_path("executions", self.id, "retry"),
            json={"reason": reason},
            key=idempotency_key,
        )

    async def fork(
        self,
        *,
        content_digest: str | None = None,
        idempotency_key: str | None = None,
        **edits: Unpack[ForkEdits],
    ) -> Forked:
        """Go on from an event of it in an execution of its own, whose blocks act; this one never changes.

        Args:
            content_digest: of what the decision was made on.
            idempotency_key: the same key and request again give the same fork.
            **edits: see :class:`ForkEdits`.

        Raises:
            ConflictError: nothing is left to run, or people decided on what another input would change.
        """
        reply = await self._transport.request(
            "POST",
            self._forks,
            body=msgspec.json.encode(fork_body(edits, "live")),
            headers={} if content_digest is None else {"If-Match": f'"{content_digest}"'},
            key=idempotency_key,
        )
        return reply.decode(Forked)

    async def what_if(self, **edits: Unpack[ForkEdits]) -> DryRun:
        """What a fork would come to, without writing or doing anything.

        Args:
            **edits: see :class:`ForkEdits`.

        Raises:
            ConflictError: as of :meth:`fork`.
        """
        return await self._transport.call(DryRun, "POST", self._forks, json=fork_body(edits, "dry-run"))

    @property
    def _forks(self) -> str:
        return api_path("executions", self.id, "forks")

    def _pauses(self) -> AsyncPauses:
        return AsyncPauses(self._transport, patience=self._patience)

    async def _wait_for(self, wanted: Sequence[ExecutionStatus], within: float | None) -> ExecutionView:
        return await wait_for(
            wanted, look=self.status, events=self._whole, execution_id=self.id, within=within
        )

    def _whole(self, view: ExecutionView) -> AsyncGenerator[StreamEvent, None]:
        """The events of the whole execution to its end, also where the handle is that of a run."""
        execution = AsyncExecution(
            self._transport, view.execution_id, workflow_id=view.workflow_id, patience=self._patience
        )
        return execution.follow(through_pauses=True)


def _event_of(raw: bytes) -> StreamEvent:
    return msgspec.structs.replace(_event_decoder.decode(raw), raw=raw)
