"""``signoff inbox claim``, ``release``, ``delegate`` and the like: what is done about one decision."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter

from signoff.cli.arguments.documents import read_input
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.inbox.points import find_point
from signoff.cli.inbox.views import parties
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, PointState

_Reason: TypeAlias = Annotated[str, Parameter(name=["--reason", "-m"], allow_leading_hyphen=True)]
_Given: TypeAlias = Annotated[str | None, Parameter(allow_leading_hyphen=True)]


def claim(execution: str, context: str | None = None) -> Exit:
    """Keep a decision to yourself: until it is released nobody else takes it.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
    """
    return _do(execution, context, lambda c, e, p: c.inbox.claim(e, p), lambda _: "claimed")


def release(execution: str, context: str | None = None) -> Exit:
    """Let others take a decision again that was claimed; another's with write permission.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
    """
    return _do(execution, context, lambda c, e, p: c.inbox.release(e, p), lambda _: "released")


def delegate(execution: str, context: str | None = None, *, to: str, reason: _Reason = "") -> Exit:
    """Ask another member of the workspace to decide in your place.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
        to: Their address or id.
        reason: Why, for the record.
    """

    def ask(client: AsyncClient, execution_id: str, context_id: str) -> Awaitable[PointState]:
        return client.inbox.delegate(execution_id, context_id, to=to, reason=reason or None)

    return _do(execution, context, ask, lambda _: f"{to} is asked to decide")


def reassign(execution: str, context: str | None = None, *, to: list[str], reason: _Reason) -> Exit:
    """Let others decide than those who were asked; needs write permission.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
        to: As in a definition: an address, group:NAME or role:ROLE; may be given again.
        reason: Why, for the record.
    """

    def ask(client: AsyncClient, execution_id: str, context_id: str) -> Awaitable[PointState]:
        return client.inbox.reassign(execution_id, context_id, assignees=to, reason=reason)

    return _do(execution, context, ask, lambda state: f"{parties(state.assignees)} may decide now")


def send_back(execution: str, context: str | None = None, *, reason: _Reason) -> Exit:
    """Want changes before anybody decides: nobody does until the content was amended.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
        reason: What should be changed.
    """

    def ask(client: AsyncClient, execution_id: str, context_id: str) -> Awaitable[PointState]:
        return client.inbox.return_(execution_id, context_id, reason=reason)

    return _do(execution, context, ask, lambda _: "sent back")


def comment(
    execution: str,
    context: str | None = None,
    *,
    text: Annotated[str, Parameter(name=["--text", "-m"], allow_leading_hyphen=True)],
) -> Exit:
    """Say something about a decision; it stands in the record.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
        text: What.
    """
    return _do(execution, context, lambda c, e, p: c.inbox.comment(e, p, text=text), lambda _: "said")


def amend(
    execution: str,
    context: str | None = None,
    *,
    reason: _Reason,
    title: str | None = None,
    display: _Given = None,
    form: _Given = None,
    data: _Given = None,
    if_match: str | None = None,
) -> Exit:
    """Change what a decision is on; needs write permission. Approvals so far are void.

    What is left away stays as it is. Each is JSON, @FILE with JSON, or - for standard input.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
        reason: Why, for the record.
        title: What is decided, in one line.
        display: What is shown from now on: an object of all names with their values.
        form: The fields to fill in from now on: a list of all of them, as inputFormat has them.
        data: What is shown instead of both by a block whose operation is api.
        if_match: The digest of the content that was seen, from `signoff inbox show`: where another one is
            shown by now, nothing is changed. What is shown now where it is left away.
    """
    given = {"display": display, "form": form, "data": data}
    content: dict[str, Any] = {name: read_input(text) for name, text in given.items() if text is not None}
    if title is not None:
        content["title"] = title
    if not content:
        raise CommandError("say what is changed: --title, --display, --form or --data")

    async def change(client: AsyncClient, execution_id: str, context_id: str) -> PointState:
        seen = if_match or (await client.inbox.get(execution_id, context_id)).content_digest
        return await client.inbox.amend(
            execution_id, context_id, reason=reason, content_digest=seen or "", **content
        )

    return _do(execution, context, change, lambda state: f"changed: it is {state.content_digest} now")


def _do(
    execution: str,
    context: str | None,
    ask: Callable[[AsyncClient, str, str], Awaitable[PointState]],
    told: Callable[[PointState], str],
) -> Exit:
    async def do(client: AsyncClient) -> Exit:
        context_id = await find_point(client, client.executions.handle(execution), context)
        state = await ask(client, execution, context_id)
        Output().either(state, f"{told(state)} (event {state.event_id})")
        return Exit.OK

    return with_client(do)
