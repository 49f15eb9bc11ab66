"""A decision as a person at a terminal reads it: what it is on, who may take it, what happened so far."""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from signoff.cli.terminal import views
from signoff.cli.terminal.moments import moment
from signoff.client import Party, PointDetail, PointEvent
from signoff.client.answers.inbox import QuorumPolicy, Step
from signoff.client.errors import Json
from signoff.engine.definitions.values import to_text

_ANYBODY: Final = "anybody who may decide in this workspace"
_DID: Final[Mapping[str, str]] = {
    "execution:resumed": "decided",
    "execution:reopened": "reopened",
    "resume:queued": "decided; waits for its turn",
    "resume:failed": "was never taken up",
    "decision:held": "decided early; kept until the point opens",
    "decision:expired": "the early decision was not taken",
    "pause:opened": "opened",
    "pause:amended": "changed what is shown",
    "pause:claimed": "claimed it",
    "pause:released": "released it",
    "pause:delegated": "asked another to decide",
    "pause:reassigned": "let others decide",
    "pause:returned": "sent it back for changes",
    "pause:commented": "said",
    "pause:reminded": "reminded",
    "pause:escalated": "asked others as well",
    "pause:expired": "the deadline struck",
    "pause:closed": "closed",
}


def decision(detail: PointDetail) -> RenderableType:
    """A pause point with everything that it takes to decide it."""
    parts: list[RenderableType] = [Text(one_line(detail.title), "bold"), _heading(detail)]
    parts += _chapter("What is decided on", [_values(detail.point.shown)] if detail.point.shown else [])
    parts += _chapter("To fill in", [form(detail.point.form)] if detail.point.form else [])
    parts += _chapter("What was decided", _decided(detail))
    parts += _chapter("Who decides", _who(detail))
    parts += _chapter("What happened", [_event(each) for each in detail.history])
    return Group(*parts)


def _decided(detail: PointDetail) -> list[RenderableType]:
    entry = detail.point.latest_resume_entry
    if entry is None:
        return []
    given = entry.resume_input
    return [_values(given) if isinstance(given, Mapping) else Text(_plain(given))]


def form(fields: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The fields of a form, a line each."""
    return views.facts(
        {
            str(each["name"]): Text(f"{each.get('type', '')}{', required' if each.get('required') else ''}")
            for each in fields
        }
    )


def changes(before: PointDetail, after: PointDetail) -> RenderableType:
    """What is shown otherwise, or asked otherwise, than before."""
    lines = [*_changed(before.point.shown, after.point.shown)]
    if before.title != after.title:
        lines.insert(0, Text(f"it is about: {one_line(after.title)}", "yellow"))
    asked = [{str(each["name"]): each for each in detail.point.form} for detail in (before, after)]
    lines += [Text(f"{name} is asked for", "yellow") for name in asked[1] if name not in asked[0]]
    lines += [
        Text(f"{name} is not asked for any more", "yellow") for name in asked[0] if name not in asked[1]
    ]
    lines += [
        Text(f"{name} is asked otherwise", "yellow")
        for name, field in asked[1].items()
        if name in asked[0] and asked[0][name] != field
    ]
    return _indented(lines or [Text("not what you are shown, but the data behind it", "yellow")])


def parties(of: Iterable[Party]) -> str:
    """Who may decide."""
    return ", ".join(
        f"everybody with the role {each.name}" if each.kind == "role" else each.name for each in of
    )


def what_to_do(detail: PointDetail) -> Text:
    """How to go on, or why the caller cannot."""
    if detail.refusal is not None:
        return Text(f"\nYou may not decide this: {detail.refusal.message}", "yellow")
    place = f"{detail.execution_id} {shlex.quote(detail.context_id)}"
    return Text(f"\nYou may decide this: signoff resume {place}", "cyan")


def one_line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def _heading(detail: PointDetail) -> RenderableType:
    point = detail.point
    due = next((each.at for each in reversed(detail.policy.deadline) if not each.struck), None)
    state = "waits for a decision" if point.is_open else point.resume_status
    rows: dict[str, Text | str] = {
        "execution": detail.execution_id,
        "point": detail.context_id,
        "workflow": detail.workflow_id,
        "state": f"{state}, since {moment(point.registered_at)}" if point.is_open else state,
        "priority": "" if point.priority == "normal" else point.priority,
        "due": moment(due),
        "content": detail.content_digest or "",
    }
    return views.facts({name: value for name, value in rows.items() if value})


def _who(detail: PointDetail) -> list[RenderableType]:
    policy, progress = detail.policy, detail.progress
    lines = [Text(parties(policy.assignees) or _ANYBODY)]
    if policy.quorum is not None:
        lines.append(Text(_together(policy.quorum)))
    if progress is not None:
        lines.append(
            Text(
                f"so far {progress.approvals} of {progress.required} for it, "
                f"{progress.rejections} of {progress.rejections_required} against it"
            )
        )
    lines += [
        Text(f"  {moment(vote.at)}  {vote.by.name} {vote.verdict}{_behalf(vote.on_behalf_of)}")
        for vote in detail.decisions
    ]
    if not policy.self_approval:
        lines.append(Text("not whoever started the execution"))
    if detail.claimed_by is not None:
        lines.append(Text(f"{detail.claimed_by.name} has claimed it", "yellow"))
    lines += [Text(f"{each.user.name} was asked to{_behalf(each.on_behalf_of)}") for each in detail.delegates]
    if detail.point.returned:
        lines.append(Text("sent back: nobody decides until it was changed", "yellow"))
    lines += [_step(each) for each in policy.deadline]
    return list(lines)


def _together(quorum: QuorumPolicy) -> str:
    by = f" (by the field {quorum.field})" if quorum.field else ""
    told = [f"together: {quorum.required} for it, or {quorum.rejections} against it{by}"]
    told += [f"{each.who.name} counts {each.weight}" for each in quorum.weights]
    told += [f"a no of {parties(quorum.veto)} alone settles it"] if quorum.veto else []
    return "; ".join(told)


def _step(step: Step) -> Text:
    told = {
        "remind": f"reminds {parties(step.to) or 'those who decide'}",
        "escalate": f"asks {parties(step.to)} as well",
        "decide": f"decides {to_text(step.input)}",
        "fail": "fails",
    }.get(step.action, step.action)
    return Text(f"{moment(step.at)}  {told}{' (done)' if step.struck else ''}", "dim" if step.struck else "")


def _event(event: PointEvent) -> Text:
    did = _DID.get(event.type)
    if event.type == "pause:notified":
        did = f"{'told by' if event.success else 'could not be told by'} {event.channel}"
    if event.retry:
        did = "tried it again"
    if event.verdict is not None:
        did = f"{event.verdict}{f', which counts {event.weight}' if (event.weight or 1) > 1 else ''}"
    who = f"{event.actor.name} " if event.actor is not None else ""
    to = f" {parties(event.to)}" if event.to else ""
    said = event.text or event.reason
    text = Text(
        f"{event.event_id:>4}  {moment(event.at)}  {who}{did or event.type}{to}{_behalf(event.on_behalf_of)}"
    )
    return text.append(f": {one_line(said)}") if said else text


def _behalf(person: Any) -> str:
    return "" if person is None else f", in the place of {person.name}"


def _changed(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Text]:
    for name in dict.fromkeys((*before, *after)):
        was, now = (_plain(values[name]) if name in values else "nothing" for values in (before, after))
        if was != now:
            yield Text.assemble((f"{name}  ", "bold"), (was, "red strike"), "  →  ", (now, "green"))


def _values(shown: Mapping[str, Json]) -> RenderableType:
    return views.facts({name: _plain(value) for name, value in shown.items()})


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _chapter(title: str, content: Sequence[RenderableType]) -> list[RenderableType]:
    return [Text(f"\n{title}", "bold"), _indented(content)] if content else []


def _indented(content: Sequence[RenderableType]) -> RenderableType:
    return Padding(Group(*content), (0, 0, 0, 2))
