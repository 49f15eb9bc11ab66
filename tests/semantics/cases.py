"""Cases: a workflow, what is done to it, and what its log must then tell.

A case is an entry of a file in ``chapters/``; it is played on the engine alone and on servers over HTTP,
by the same words. Everything that is expected is read from the log, so that nothing is compared twice.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote_plus

import msgspec
import yaml
from msgspec import UNSET, Struct, UnsetType

from semantics.model import Answer, Model
from signoff.events.types import Json
from support.cast import Manner
from support.system_services import ENVIRONMENT
from support.told import Told, in_short

_FOLDER: Final = Path(__file__).with_name("chapters")


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """What the log must tell; what is left out is not looked at.

    Attributes:
        status: as :attr:`Told.status`.
        output: of the run that ended last, wholly.
        output_is: the block instance whose output is that of the run that ended last.
        error: of the run that ended last, wholly.
        error_has: of the run that ended last, in part.
        outputs: by block instance, wholly.
        fields: single values within outputs, by paths such as ``ask.submission.approved``.
        ran: the block instances that ended, each once, in any order.
        order: some of the block instances that ended, in this order.
        tries: by block instance, how often it was started.
        points: contexts that wait for a decision.
        pause: what the run's answer shows at its one pause point, the links left out.
        pause_count: how many points the run's answer has, where they are several.
        holds: events that are there, in this order, as :func:`in_short` names them.
        never: events that are not there.
        log: all events, in order.
        most_at_once: by block, the largest number of its instances at work at one moment.
        said: by block instance, what its last try streamed.
    """

    status: str | None = None
    output: Json | UnsetType = UNSET
    output_is: str | None = None
    error: str | UnsetType = UNSET
    error_has: str = ""
    outputs: Mapping[str, Json] = {}
    fields: Mapping[str, Json] = {}
    ran: list[str] | None = None
    order: list[str] = []
    tries: Mapping[str, int] = {}
    points: list[str] | None = None
    pause: Json = None
    pause_count: int | None = None
    holds: list[str] = []
    never: list[str] = []
    log: list[str] | None = None
    most_at_once: Mapping[str, int] = {}
    said: Mapping[str, str] = {}


class ForkStep(Struct, frozen=True, forbid_unknown_fields=True):
    """How an execution is forked.

    Attributes:
        after: the first event that reads so in short; its step is done. Without it, the last one.
        given: another input.
        decide: the point that is decided at once, with ``saying``.
    """

    after: str | None = None
    given: Json | UnsetType = UNSET
    decide: str | None = None
    saying: Json = None


class Step(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One thing that is done, or waited for.

    Attributes:
        resume: the context to decide on; ``given`` is the input.
        by: of ``support.cast``: who decides or acts; by default the server's own key.
        seen: the digest of what was seen; ``first`` and ``current`` are those of what the point shows.
        link: the decision comes by a link.
        early: it is to be kept for so many seconds, if its point has not opened.
        again: it is one more on a point whose run failed.
        act: what is done at the context ``at`` beside deciding, by the last word of its route; ``given`` is
            the body.
        child: the block whose child execution the context, or the event to reach, is in.
        cancel: cancel the execution.
        retry: try what failed again.
        rerun: begin another execution with this block and the past of this one, and go on with that.
        stop_after: of ``rerun``: the block to stop after.
        fork: begin another execution with the past of this one, and go on with that.
        crash: lose the processes that run blocks.
        reach: wait until the log holds an event, as :func:`in_short` names it.
        until: wait for a status.
        refused: the text by which what is done is refused.
        expect: what the log tells after the step.
    """

    resume: str | None = None
    given: Any = None
    by: str | None = None
    seen: str | None = None
    link: bool = False
    early: float | None = None
    again: bool = False
    act: str | None = None
    at: str = ""
    child: str | None = None
    cancel: bool = False
    retry: bool = False
    rerun: str | None = None
    stop_after: str | None = None
    fork: ForkStep | None = None
    crash: bool = False
    reach: str | None = None
    until: str | None = None
    refused: str | None = None
    expect: Expected = Expected()


class Start(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """How an execution is started, beside its input.

    Attributes:
        via: the workflows that called one another up to it.
        by: of ``support.cast``: who starts it.
    """

    detached: bool = False
    limit: float | None = None
    stop_after: str | None = None
    webhook: str | None = None
    via: list[str] = []
    by: str | None = None


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One case.

    Attributes:
        rule: the numbers that it shows; several by commas.
        case: what it shows, as a sentence.
        workflow: a definition, in either spelling. ``$SERVER`` in it is where the test server listens.
        others: definitions that it calls, which know one another as ``$name``.
        given: the input of the execution.
        start: how it starts.
        steps: what follows the start.
        model: what the language model answers; after these it repeats what it was told.
        asked: what it was asked: the messages of each request, as ``role: content``.
        expect: what the log tells at the end.
        faults: instead of running: the faults of the definition, their texts by path, in part or wholly.
        warnings: the same of its warnings; such a definition runs.
    """

    rule: str
    case: str
    workflow: dict[str, Json]
    others: dict[str, Json] = {}
    given: Json = None
    start: Start = Start()
    steps: list[Step] = []
    model: list[Answer] = []
    asked: list[list[str]] | None = None
    expect: Expected = Expected()
    faults: Mapping[str, str] = {}
    warnings: Mapping[str, str] = {}

    @property
    def rules(self) -> list[str]:
        """The numbers of the rules."""
        return [each.strip() for each in self.rule.split(",")]


class Player(Protocol):
    """One execution, on whatever it runs; see ``EngineRun`` and ``SystemRun``."""

    async def start(
        self,
        given: Json,
        *,
        detached: bool = ...,
        limit: float | None = ...,
        stop_after: str | None = ...,
        webhook: str | None = ...,
        via: list[str] = ...,
        by: str | None = ...,
    ) -> None:
        """Start, and wait for the end of the run unless detached."""

    async def resume(self, context_id: str, given: Json, how: Manner = ...) -> str | None:
        """Decide on a point; gives the text of a refusal."""

    async def act(
        self, act: str, context_id: str, given: Mapping[str, Json], *, by: str | None
    ) -> str | None:
        """Do something at a point beside deciding; gives the text of a refusal."""

    async def cancel(self) -> str | None:
        """Cancel; gives the text of a refusal."""

    async def retry(self) -> str | None:
        """Try again what failed; gives the text of a refusal."""

    async def rerun(self, block_id: str, *, stop_after: str | None = ...) -> str | None:
        """Begin another execution with a block; gives the text of a refusal."""

    async def fork(
        self, after: str | None, *, given: Json | UnsetType, decide: str | None, saying: Json, by: str | None
    ) -> str | None:
        """Go on in a fork; gives the text of a refusal."""

    async def crash(self) -> None:
        """Lose what runs blocks."""

    async def reach(self, event: str, *, child: str | None = ...) -> None:
        """Wait for an event, by its short name."""

    async def until(self, status: str) -> Told:
        """Wait for a status."""

    async def log(self) -> list[bytes]:
        """The events as they are."""

    async def tell(self) -> Told:
        """What the log tells now."""


def load() -> Iterator[Case]:
    """Every case.

    Raises:
        ValueError: an entry is no case; says where it stands.
    """
    for file in sorted(_FOLDER.glob("*.yaml")):
        for number, raw in enumerate(yaml.safe_load(file.read_text()), 1):
            try:
                yield msgspec.convert(raw, Case)
            except msgspec.ValidationError as error:
                raise ValueError(f"{file.name}, case {number} ({raw.get('case')}): {error}") from error


class Definitions(Struct, frozen=True):
    """The definitions of a case, as they are deployed.

    Attributes:
        workflow: what is run.
        others: what it calls, by the ids that they are deployed under.
    """

    workflow: Any
    others: Mapping[str, Any]


def definitions(case: Case, server: str, ids: Mapping[str, str]) -> Definitions:
    """The definitions of a case.

    Args:
        case: the case.
        server: where the test server listens.
        ids: of the other definitions, by name.
    """
    places = {"$SERVER": server, **{f"${name}": ids[name] for name in case.others}}

    def placed(document: Any) -> Any:
        text = json.dumps(document)
        for name, place in places.items():
            text = text.replace(name, place)
        return json.loads(text)

    others = {ids[name]: placed(document) for name, document in case.others.items()}
    return Definitions(placed(case.workflow), others)


async def play(case: Case, player: Player, model: Model) -> None:
    """Do what a case says, and compare."""
    start = case.start
    model.prepare(case.model)
    await player.start(
        case.given,
        detached=start.detached,
        limit=start.limit,
        stop_after=start.stop_after,
        webhook=start.webhook,
        via=start.via,
        by=start.by,
    )
    for step in case.steps:
        await _do(step, player)
        compare(step.expect, await player.tell())
    compare(case.expect, await _end(case, player))
    assert case.asked is None or model.messages() == case.asked
    _check_for_secrets(await player.log())


def _check_for_secrets(log: list[bytes]) -> None:
    """No environment value is in the log, however it is written: quoted, escaped or encoded for a URL."""
    text = _bare(unquote_plus(b"\n".join(log).decode()))
    found = [name for name, secret in ENVIRONMENT.items() if _bare(secret) in text]
    assert not found, f"the log tells the values of {', '.join(found)}:\n" + b"\n".join(log).decode()


def _bare(text: str) -> str:
    return re.sub("[^A-Za-z0-9]", "", text)


async def _end(case: Case, player: Player) -> Told:
    return await player.tell() if case.expect.status is None else await player.until(case.expect.status)


async def _do(step: Step, player: Player) -> None:
    refusal: str | None = None
    if step.resume is not None:
        refusal = await player.resume(step.resume, step.given, await _manner(step, player))
    if step.act is not None:
        refusal = await player.act(step.act, step.at, step.given or {}, by=step.by)
    if step.cancel:
        refusal = await player.cancel()
    if step.retry:
        refusal = await player.retry()
    if step.rerun is not None:
        refusal = await player.rerun(step.rerun, stop_after=step.stop_after)
    if step.fork is not None:
        wanted = step.fork
        refusal = await player.fork(
            wanted.after, given=wanted.given, decide=wanted.decide, saying=wanted.saying, by=step.by
        )
    if step.crash:
        await player.crash()
    if step.reach is not None:
        await player.reach(step.reach, child=step.child)
    if step.until is not None:
        await player.until(step.until)
    assert refusal == step.refused, await player.tell()


async def _manner(step: Step, player: Player) -> Manner:
    seen = step.seen
    if seen in ("first", "current"):
        seen = (await player.tell()).digest_of(step.resume or "", first=seen == "first")
    return Manner(by=step.by, seen=seen, child=step.child, link=step.link, early=step.early, again=step.again)


def compare(expected: Expected, told: Told) -> None:
    """Fail where the log tells something else; the failure shows the log."""
    seen = dict(_compared(expected, told))
    wrong = {name: (want, got) for name, (want, got) in seen.items() if want != got}
    lines = [
        f"{name}: expected {want!r}\n{' ' * len(name)}       got {got!r}"
        for name, (want, got) in wrong.items()
    ]
    assert not wrong, "\n".join([*lines, "the log:", str(told)])


def _compared(expected: Expected, told: Told) -> Iterator[tuple[str, tuple[object, object]]]:
    if expected.status is not None:
        yield "status", (expected.status, told.status)
    for name in ("output", "error"):
        if getattr(expected, name) is not UNSET:
            yield name, (getattr(expected, name), getattr(told, name))
    if expected.error_has not in (told.error or ""):
        yield "error has", (expected.error_has, told.error)
    if expected.output_is is not None:
        yield "output is", (told.outputs.get(expected.output_is), told.output)
    for name, output in expected.outputs.items():
        yield f"output of {name}", (output, told.outputs.get(name, "it did not end"))
    for path, value in expected.fields.items():
        yield path, (value, _field(told.outputs, path))
    if expected.ran is not None:
        yield "ran", (sorted(expected.ran), sorted(told.ended))
    if expected.order:
        yield "order", (expected.order, [each for each in told.ended if each in expected.order])
    for name, count in expected.tries.items():
        yield f"tries of {name}", (count, told.tries[name])
    if expected.points is not None:
        yield "points", (sorted(expected.points), sorted(told.points))
    if expected.pause is not None:
        yield (
            "pause",
            (expected.pause, {key: value for key, value in told.output["data"].items() if key != "_resume"}),
        )
    if expected.pause_count is not None:
        yield "pauses", (expected.pause_count, told.output["pauseCount"])
    for name, text in expected.said.items():
        yield f"said by {name}", (text, told.said(name))
    for name, count in expected.most_at_once.items():
        yield f"{name} at once", (count, told.most_at_once[name])
    yield from _compared_events(expected, [in_short(event) for event in told.events])


def _compared_events(expected: Expected, log: list[str]) -> Iterator[tuple[str, tuple[object, object]]]:
    if expected.log is not None:
        yield "log", (expected.log, log)
    rest = iter(log)
    yield "holds", (expected.holds, [each for each in expected.holds if each in rest])
    yield "never", ([], [each for each in expected.never if each in log])


def _field(outputs: Mapping[str, Any], path: str) -> Any:
    value: Any = outputs
    for step in path.replace("[", ".[").split("."):
        try:
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
        except (KeyError, IndexError, TypeError):
            return "there is no such field"
    return value


def compare_findings(expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Fail unless exactly the expected findings are there, each with the expected text in it."""
    assert sorted(found) == sorted(expected), found
    for path, text in expected.items():
        assert text in found[path], found
