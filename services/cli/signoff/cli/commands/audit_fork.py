"""``signoff audit fork``."""

from collections.abc import Iterator, Sequence
from itertools import dropwhile
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from signoff.audit.life.differences import Pair, align
from signoff.cli.arguments.documents import read_input
from signoff.cli.auditing.life import Until, events_until
from signoff.cli.auditing.timelines import show_pairs
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.listing import AsJson
from signoff.cli.terminal.output import Output
from signoff.cli.terminal.watching import wait
from signoff.client import AsyncClient, AsyncExecution, DryRun, ForkDecision, ForkEdits
from signoff.events.codec import decode_event
from signoff.events.types import Event

_ENDS = {
    "ended": "it would be over",
    "paused": "people would be asked",
    "effects": "these blocks act outside, and would run",
    "limit": "it is too long to be tried out to its end",
}


def fork(
    execution: str,
    after: str | None = None,
    *,
    given: Annotated[str | None, Parameter(name=["--input", "-i"], allow_leading_hyphen=True)] = None,
    point: str | None = None,
    decision: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    workflow_version: int | None = None,
    if_match: str | None = None,
    live: Annotated[bool, Parameter(negative="--dry-run")] = False,
    reason: str = "",
    as_json: AsJson = False,
) -> Exit:
    """Go on from any point of an execution with another input, decision or version, and compare the two.

    It is tried out, and nothing is written or done; with --live it is an execution of its own, whose blocks
    act. The execution that is forked never changes. It prints what became of the fork, and then where its
    events are other than those of the execution.

    Args:
        execution: The execution's id.
        after: The number of the event, or the moment (ISO 8601; without an offset it is UTC), after which the
            fork goes on; without it, after the last event.
        given: Another input: JSON, @FILE with JSON, or - for standard input.
        point: A pause point that is open there, to be decided at once.
        decision: What fills its form: JSON, @FILE with JSON, or - for standard input.
        workflow_version: Another version of the workflow runs.
        if_match: With --live, the digest of the content that was seen: where another one is shown there,
            nothing is forked.
        live: Begin it for good, and wait until it pauses or ends.
        reason: Why, for the record.
        as_json: Print JSON lines on a terminal, too.
    """
    edits = _edits(after, given, point, decision)
    if workflow_version is not None:
        edits["workflow_version"] = workflow_version
    if reason:
        edits["reason"] = reason
    if if_match is not None and not (live and point is not None):
        raise CommandError("--if-match goes with --live and --point: it says what the decision is made on")
    output = Output()
    people = output.is_terminal and not as_json

    async def compare(client: AsyncClient) -> Exit:
        source = client.executions.handle(execution)
        if live:
            second = await _begin(client, source, edits, output, seen=if_match, people=people)
            first = await _events(client, execution)
        else:
            told = await source.what_if(**edits)
            _tell(told, output, people=people)
            first = await _events(client, execution)
            second = _with_past(first, told)
        show_pairs(_apart(first, second), output, people=people)
        return Exit.OK

    return with_client(compare)


def _edits(after: str | None, given: str | None, point: str | None, decision: str | None) -> ForkEdits:
    if (point is None) != (decision is None):
        raise CommandError("a decision takes --point, which is decided, and --decision, what fills its form")
    edits: ForkEdits = {}
    event_id = Until(after).event_id
    if event_id is not None:
        edits["event_id"] = event_id
    elif after is not None:
        edits["at"] = after
    if given is not None:
        edits["input"] = read_input(given)
    if point is not None:
        edits["decision"] = ForkDecision(context_id=point, input=read_input(decision))
    return edits


async def _begin(
    client: AsyncClient,
    source: AsyncExecution,
    edits: ForkEdits,
    output: Output,
    *,
    seen: str | None,
    people: bool,
) -> list[Event]:
    """Begin a fork for good; gives its events once it has paused or ended."""
    forked = await source.fork(content_digest=seen, **edits)
    if people:
        begun = f"Execution {forked.execution_id} has begun, after event {forked.source.event_id}.\n"
        output.unbroken(Text(begun))
    else:
        output.line(forked)
    begun_one = client.executions.handle(forked.execution_id, workflow_id=forked.workflow_id)
    await wait(begun_one.follow())
    return await _events(client, forked.execution_id)


async def _events(client: AsyncClient, execution: str) -> list[Event]:
    return [each async for each in events_until(client, execution, Until(None))]


def _tell(told: DryRun, output: Output, *, people: bool) -> None:
    if not people:
        output.line(
            {
                "source": told.source,
                "stopped": told.stopped,
                "wouldRun": told.would_run,
                "recorded": told.recorded,
                "state": told.state,
            }
        )
        return
    output.unbroken(
        Text(f"After event {told.source.event_id}, and nothing was written or done: {_ENDS[told.stopped]}.")
    )
    for block in told.would_run:
        leads = f", which leads to {', '.join(block.leads_to)}" if block.leads_to else ""
        output.unbroken(Text(f"  {block.instance} ({block.block_type}){leads}"))
    if told.recorded:
        output.unbroken(Text(f"Given what they gave in the execution: {', '.join(told.recorded)}."))
    output.unbroken(Text(f"It would be {told.state['status']}.\n"))


def _with_past(source: Sequence[Event], told: DryRun) -> list[Event]:
    """The events of a dry run behind the past that it goes on from."""
    events = [decode_event(bytes(raw)) for raw in told.events]
    return [*source[: events[0].event_id - 1], *events]


def _apart(first: Sequence[Event], second: Sequence[Event]) -> Iterator[Pair]:
    """Two timelines from where they part."""
    return dropwhile(lambda pair: pair.same, align(first, second))
