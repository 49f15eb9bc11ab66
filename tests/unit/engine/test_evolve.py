"""The fold: any log, any prefix, any reader."""

import msgspec
import pytest

from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import broken_link, decode_event, encode_json
from signoff.events.types import Event
from support.bdd import HUMAN, Story, naps, pauses_until, refold, workflow

APPROVAL = workflow("start > a > ask > nap > after", "start > b", ask=HUMAN, nap="wait")


def approved() -> Story:
    story = Story(APPROVAL, {"nap": naps(60)}).start({"amount": 5}).work()
    story.resume("ask", {"ok": True})
    return story.work().later(60).work()


def test_every_prefix_of_a_log_has_a_state() -> None:
    story = approved()
    versions = [refold(story.raws[:length], APPROVAL).version for length in range(len(story.raws) + 1)]
    assert versions == list(range(len(story.raws) + 1))


def test_folding_the_bytes_gives_the_state_that_was_decided_by() -> None:
    story = approved()
    assert refold(story.raws, APPROVAL) == story.state


def test_numbers_are_without_a_gap_and_each_event_names_the_hash_of_the_one_before() -> None:
    assert broken_link(approved().raws) is None


def test_a_state_survives_the_way_through_json_at_any_event() -> None:
    story = approved()
    for length in range(len(story.raws)):
        state = refold(story.raws[:length], APPROVAL)
        state = msgspec.json.decode(msgspec.json.encode(state), type=State)
        for raw in story.raws[length:]:
            evolve(state, decode_event(raw), APPROVAL)
        assert state == story.state


def test_an_event_that_does_not_follow_is_refused() -> None:
    story = approved()
    state = refold(story.raws[:3], APPROVAL)
    with pytest.raises(ValueError, match="event 5 does not follow version 3"):
        evolve(state, story.events[4], APPROVAL)


def test_an_event_that_was_folded_before_is_refused() -> None:
    story = approved()
    with pytest.raises(ValueError, match="does not follow"):
        evolve(story.state, story.events[-1], APPROVAL)


def test_an_event_of_an_unknown_type_is_skipped_and_counted() -> None:
    story = Story(APPROVAL).start()
    later: dict[str, object] = {
        "type": "pause:painted",
        "eventId": story.state.version + 1,
        "executionId": story.state.execution_id,
        "workflowId": "refunds",
        "timestamp": "2025-06-15T15:06:41.000000Z",
        "causationId": "1",
        "data": {"colour": "red"},
    }
    before = msgspec.structs.replace(story.state, version=story.state.version + 1, time=1_750_000_001.0)
    evolve(story.state, decode_event(encode_json(later)), APPROVAL)
    assert story.state == before


def test_without_a_graph_the_state_still_tells_what_happened() -> None:
    story = approved()
    seen = refold(story.raws, None)
    assert (seen.status, seen.output) == (story.state.status, story.state.output)
    assert (seen.points, seen.entries, seen.runs) == (
        story.state.points,
        story.state.entries,
        story.state.runs,
    )


def test_the_fold_between_a_timer_and_what_it_leads_to_still_knows_its_moment() -> None:
    graph = workflow("start > nap", "start > point", nap="wait", point="wait")
    story = Story(graph, {"nap": naps(60), "point": pauses_until(60)}).start().work().later(60)
    for index, event in enumerate(story.events):
        if event.type == "timer:fired":
            assert refold(story.raws[: index + 1], graph).next_due() is not None


def test_the_moment_of_an_event_is_that_of_its_envelope() -> None:
    story = Story(APPROVAL)
    story.now += 0.123457
    story.start()
    assert refold(story.raws, APPROVAL).time == story.state.time == story.now


def test_a_log_id_is_the_executions_id_unless_a_client_chose_that() -> None:
    started = Story(APPROVAL).start().events[0]
    chosen: Event = msgspec.structs.replace(started, execution_id="order-7", log_id=started.execution_id)
    state = State()
    evolve(state, chosen)
    assert (state.execution_id, state.log_id) == ("order-7", started.execution_id)
    assert list(state.runs) == ["order-7"]
