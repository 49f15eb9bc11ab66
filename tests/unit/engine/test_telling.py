"""People are told of what happens to a pause point: once recorded, and again after a crash in between."""

from typing import Any

from signoff.engine.definitions.graph import compile_graph
from signoff.engine.definitions.parse import parse
from signoff.engine.messages import Effect, Notify, Sent, TakenOver, Told
from signoff.events.types import CancelExecution
from support.bdd import Story, asks

OPENED: Any = {"notify": [{"url": "json://example.org"}]}


class Telling(Story):
    """A story that keeps what people are to be told."""

    def __init__(self, **human: Any) -> None:
        self.notify: list[Notify] = []
        document = {
            "blocks": {
                "ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "after", **human},
                "after": {"type": "function", "code": "return 1"},
            }
        }
        definition = parse(document, workflow_id="refunds").definition
        assert definition is not None
        super().__init__(compile_graph(definition), {"ask": asks()})

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Notify):
            self.notify.append(effect)
        super()._perform(effect)


def asked(**human: Any) -> Telling:
    story = Telling(**human)
    story.start().finish("ask")
    return story


def told(story: Telling, *sent: Sent) -> list[str]:
    return [event.type for event in story.send(Told(story.notify[-1].event_id, list(sent)))]


def test_a_pause_that_somebody_is_to_hear_of_asks_for_it_once_it_is_recorded() -> None:
    story = asked(**OPENED)

    (notify,) = story.notify
    assert (notify.occasion, notify.context_id) == ("opened", "ask")
    assert story.envelope("pause:opened ask").event_id == notify.event_id


def test_a_pause_without_notifications_asks_for_nothing() -> None:
    assert asked().notify == []


def test_what_came_of_each_notification_is_recorded_with_the_event_that_it_tells_of() -> None:
    story = asked(**OPENED)

    kinds = told(story, Sent(channel="json", success=True), Sent(channel="slack", success=False, error="no"))

    assert kinds == ["pause:notified", "pause:notified"]
    recorded = [event.data for event in story.events[-2:]]
    assert [(each.channel, each.success, each.error, each.of) for each in recorded] == [  # type: ignore[attr-defined]
        ("json", True, None, story.notify[0].event_id),
        ("slack", False, "no", story.notify[0].event_id),
    ]


def test_an_execution_with_something_to_tell_stays_until_that_is_recorded() -> None:
    story = asked(**OPENED)
    assert not story.state.parked()

    told(story, Sent(channel="json", success=True))

    assert story.state.parked()


def test_a_new_owner_tells_again_what_nobody_recorded_and_it_is_recorded_once() -> None:
    story = asked(**OPENED)
    story.send(TakenOver())

    assert story.notify[0] == story.notify[1]
    assert told(story, Sent(channel="json", success=True)) == ["pause:notified"]
    assert told(story, Sent(channel="json", success=True)) == []


def test_a_new_owner_tells_nothing_again_that_is_recorded() -> None:
    story = asked(**OPENED)
    told(story, Sent(channel="json", success=True))
    story.send(TakenOver())

    assert len(story.notify) == 1


def test_people_are_told_of_a_decision_too_where_the_definition_does_not_leave_it_out() -> None:
    everything, opening_only = (
        asked(**OPENED),
        asked(notify=[{"url": "json://x.example.org", "on": ["opened"]}]),
    )
    for story in (everything, opening_only):
        told(story, Sent(channel="json", success=True))
        story.resume("ask", {"ok": True})

    assert [each.occasion for each in everything.notify] == ["opened", "closed"]
    assert [each.occasion for each in opening_only.notify] == ["opened"]


def test_nothing_is_recorded_in_a_log_that_has_ended() -> None:
    story = asked(**OPENED)
    story.command(CancelExecution(reason="no longer wanted"))

    assert told(story, Sent(channel="json", success=True)) == []
