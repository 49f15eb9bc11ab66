"""What happens at a pause point when nobody decides in time: the next step of its deadline strikes."""

from uuid import UUID, uuid5

from signoff.engine.deciding.flow import Results, envelope_run
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import Draft
from signoff.engine.points.resumes import resume_by_itself
from signoff.engine.state import PausePoint, State
from signoff.events.types import Deadline, Made, PauseEscalated, PauseExpired, PauseReminded


def strike(state: State, graph: Graph, point: PausePoint, now: float) -> Results:
    """Remind, ask others too, or settle the point: by the default decision, or as a failure of its block."""
    deadline, number = point.deadlines[point.step], point.step + 1
    cause, where = str(point.event_id), envelope_run(state, point.run_id)
    yield Draft(_struck(point, deadline, number), cause, where)
    if deadline.action in {"decide", "fail"}:
        yield from resume_by_itself(
            state, graph, point, uuid5(UUID(state.log_id), str(state.version)), now,
            given=deadline.input, cause=str(state.version),
            made=Made(content_digest=point.content_digest, auth_method="deadline"),
        )  # fmt: skip


def _struck(
    point: PausePoint, deadline: Deadline, number: int
) -> PauseReminded | PauseEscalated | PauseExpired:
    match deadline.action:
        case "remind":
            return PauseReminded(context_id=point.context_id, step=number, to=deadline.to)
        case "escalate":
            return PauseEscalated(context_id=point.context_id, step=number, to=deadline.to)
        case _:
            return PauseExpired(context_id=point.context_id, step=number, action=deadline.action)
