"""The suite: every rule checked against a server, one result each."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from typing import Final, Literal

from msgspec import Struct

from signoff.client.client import AsyncClient
from signoff.client.errors import ClientError
from signoff.client.stream_checks import cursors, feeds, gathering, refusals, streams, tokens
from signoff.client.stream_checks.evidence import BrokenRuleError, Evidence, Limits, NotCheckedError
from signoff.client.stream_checks.rules import RULES
from signoff.client.stream_checks.wire import Wire

Check = Callable[[Evidence], Awaitable[None]]

CHECKS: Final[Mapping[str, Check]] = {
    "S-1": streams.is_answered_as_a_stream,
    "S-2": streams.begins_with_retry,
    "S-3": streams.has_nothing_but_frames,
    "S-4": streams.counts_its_events,
    "S-5": streams.has_the_bytes_of_the_log,
    "S-6": streams.is_chained,
    "S-7": streams.is_replayed_alike,
    "S-8": streams.says_its_end,
    "S-9": streams.stays_through_pauses_when_asked,
    "S-10": streams.is_live,
    "S-11": streams.fills_silence,
    "S-12": streams.survives_cuts,
    "S-13": cursors.goes_on_after_the_header,
    "S-14": cursors.goes_on_after_the_query,
    "S-15": cursors.stops_a_reader_at_the_end,
    "S-16": cursors.refuses_a_cursor_of_the_future,
    "S-17": cursors.shows_one_run,
    "S-18": refusals.knows_what_is_there,
    "S-19": refusals.tells_strangers_nothing,
    "S-20": refusals.answers_other_methods,
    "S-21": tokens.opens_its_stream,
    "S-22": tokens.opens_nothing_else,
    "S-23": feeds.begins_with_a_cursor,
    "S-24": feeds.has_the_bytes_of_the_log,
    "S-25": feeds.is_replayed_alike,
    "S-26": feeds.goes_on_after_a_cursor,
    "S-27": feeds.carries_its_cursor_on,
    "S-28": feeds.has_what_its_filters_leave,
    "S-29": feeds.has_no_end,
}
"""What checks each rule of :data:`RULES`."""


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one rule.

    Attributes:
        rule: its number in docs/streaming.md.
        text: what it says.
        outcome: ``left out`` where it cannot be checked on a given execution.
        expected: of a rule that failed, what should have been.
        seen: what was, or why it was left out.
    """

    rule: str
    text: str
    outcome: Literal["passed", "failed", "left out"]
    expected: str = ""
    seen: str = ""


async def examine(
    url: str,
    key: str | None = None,
    workspace: str | None = None,
    *,
    workflow_id: str | None = None,
    execution_id: str | None = None,
    limits: Limits | None = None,
    rules: Collection[str] = RULES.keys(),
) -> AsyncGenerator[Result, None]:
    """Check a server's streams.

    An execution is started, paused, decided and listened to for some 25 seconds, most of which is the silence
    that a heartbeat must fill.

    Args:
        url: the server's base URL.
        key: to act with; it deploys (unless a workflow or an execution is named), starts and decides.
        workspace: to act in; ``None``: the key's own.
        workflow_id: of a workflow that is deployed, pauses once and completes when it is decided with
            ``{"approved": true}``; ``None``: one is deployed for the while.
        execution_id: of an execution that has ended or is paused: it is only read.
        limits: how long to wait.
        rules: those to check.

    Raises:
        ClientError: nothing could be examined: no server, no permission, no such execution.
    """
    limits = limits or Limits()
    async with (
        AsyncClient(url, key, workspace) as client,
        Wire(url, key, workspace, limit=limits.answer) as wire,
    ):
        evidence = await _gather(client, wire, limits, workflow_id, execution_id)
        for rule in rules:
            yield await _result(rule, evidence)


async def _gather(
    client: AsyncClient, wire: Wire, limits: Limits, workflow_id: str | None, execution_id: str | None
) -> Evidence:
    if execution_id is not None:
        return await gathering.given(client, wire, execution_id, limits)
    if workflow_id is not None:
        return await gathering.lived(client, wire, workflow_id, limits)
    async with gathering.own_workflow(client) as own:
        return await gathering.lived(client, wire, own, limits)


async def _result(rule: str, evidence: Evidence) -> Result:
    text = RULES[rule]
    try:
        await CHECKS[rule](evidence)
    except NotCheckedError as reason:
        return Result(rule=rule, text=text, outcome="left out", seen=str(reason))
    except BrokenRuleError as error:
        return Result(rule=rule, text=text, outcome="failed", expected=error.expected, seen=error.seen)
    except ClientError as error:
        return Result(rule=rule, text=text, outcome="failed", expected="an answer", seen=str(error))
    return Result(rule=rule, text=text, outcome="passed")
