"""``signoff resume``."""

from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter

from signoff.cli.arguments.documents import read_input
from signoff.cli.connection import with_blocking_client, with_client
from signoff.cli.deciding.session import Session
from signoff.cli.deciding.terminal import Terminal, is_somebody_there
from signoff.cli.exits import CommandError, Exit
from signoff.cli.inbox.points import find_point
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.cli.terminal.watching import conclude, wait, watch
from signoff.client import AsyncClient, AsyncExecution, Client, Resumed


def resume(
    execution: str,
    context: str | None = None,
    *,
    given: Annotated[str | None, Parameter(name=["--input", "-i"], allow_leading_hyphen=True)] = None,
    workflow: str | None = None,
    if_match: str | None = None,
    retry: Annotated[bool, Parameter(negative="")] = False,
    early: Annotated[bool, Parameter(negative="")] = False,
    watch_it: Annotated[bool, Parameter(name=["--watch", "-w"], negative="")] = False,
    detached: Annotated[bool, Parameter(name="--async", negative="")] = False,
) -> Exit:
    """Decide what a paused execution waits for, and wait until it ends or pauses again.

    On a terminal, without --input, it shows what is decided on and asks for each field of the form. Nothing
    is sent before the answers were looked at and agreed to.

    Args:
        execution: The paused execution's id.
        context: Which of its pause points; needed only where several are open that you may decide.
        given: What fills the form: JSON, @FILE with JSON, or - for standard input.
        workflow: Its workflow; found out when left away.
        if_match: The digest of the content that was seen: where another one is shown by now, nothing is
            decided. What is asked for on a terminal sends it by itself.
        retry: Decide a point again whose run failed: without --input as it was decided then.
        early: Where the point has not opened yet, keep the decision until it does.
        watch_it: Show every event of the resumed run; in a pipe, as a JSON line each.
        detached: Do not wait for the end of the resumed run.
    """
    asks = given is None and not retry
    _check_usage(context, given, if_match, asks=asks, early=early)
    value = None if given is None else read_input(given)
    workflow_id, context_id = with_client(partial(_find, execution, context, workflow))
    if asks:
        resumed = with_blocking_client(partial(_ask, execution, context_id))
    else:
        resumed = with_client(
            lambda client: client.pauses.resume(
                workflow_id, execution, context_id, value, content_digest=if_match, early=early, retry=retry
            )
        )
    if resumed.run_id is None or detached:
        return _tell(resumed, execution, context_id)

    async def follow(client: AsyncClient) -> Exit:
        return await _follow(client, workflow_id, resumed, watch_it=watch_it)

    return with_client(follow)


def _check_usage(
    context: str | None, given: str | None, if_match: str | None, *, asks: bool, early: bool
) -> None:
    if early and (context is None or given is None):
        raise CommandError(
            "--early needs the name of the pause point and --input: what has not opened can show nothing"
        )
    if asks and not is_somebody_there():
        raise CommandError(
            """say what fills the form: --input '{"approved": true}', --input @FILE, or --input - for """
            "standard input; only on a terminal it is asked for"
        )
    if asks and if_match is not None:
        raise CommandError("--if-match goes with --input: on a terminal you are shown what you decide on")


async def _find(
    execution: str, context: str | None, workflow: str | None, client: AsyncClient
) -> tuple[str, str]:
    paused: AsyncExecution = client.executions.handle(execution, workflow_id=workflow)
    return await paused.find_workflow(), await find_point(client, paused, context)


def _ask(execution: str, context_id: str, client: Client) -> Resumed:
    return Session(client, Terminal(), execution, context_id).decide()


def _tell(resumed: Resumed, execution: str, context_id: str) -> Exit:
    """What became of a decision whose run is not waited for, or which begins none yet."""
    record: dict[str, Any] = {"executionId": execution, "contextId": context_id, "status": resumed.status}
    if resumed.status == "recorded":
        record |= {
            "verdict": resumed.verdict,
            "approvals": resumed.approvals,
            "rejections": resumed.rejections,
            "required": resumed.required,
            "eventId": resumed.event_id,
        }
        text = (
            f"recorded as {resumed.verdict}: {resumed.approvals} of {resumed.required} are for it by now; "
            "it waits for others"
        )
    elif resumed.status == "held":
        record |= {"heldId": resumed.held_id, "expiresAt": resumed.expires_at}
        text = f"held until {context_id} opens, at most until {moment(resumed.expires_at)}"
    else:
        record |= {"runId": resumed.run_id}
        text = f"{_state(resumed)} {resumed.run_id}"
    Output().either(record, text)
    return Exit.PAUSED if resumed.status == "recorded" else Exit.OK


def _state(resumed: Resumed) -> str:
    if resumed.queue_position is None:
        return resumed.status
    return f"queued, number {resumed.queue_position} behind the decision that runs:"


async def _follow(client: AsyncClient, workflow_id: str, resumed: Resumed, *, watch_it: bool) -> Exit:
    """Wait for the end of the run that a decision began, and tell how it ended."""
    output = Output()
    run_id = str(resumed.run_id)
    if resumed.queue_position is not None and output.is_terminal:
        output.either(None, f"{_state(resumed)} {run_id}")
    events = client.executions.handle(run_id, workflow_id=workflow_id).follow()
    progress = await (watch(events, output) if watch_it else wait(events))
    return await conclude(client, progress, output, watched=watch_it)
