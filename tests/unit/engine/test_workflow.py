"""A workflow's own log: one immutable version after the other."""

from typing import Any

import pytest

from signoff.engine.deciding.workflow import WorkflowState, decide_workflow, evolve_workflow
from signoff.engine.messages import Draft
from signoff.events.codec import broken_link, chain_hash, decode_event, encode
from signoff.events.times import iso
from signoff.events.types import (
    ActivateVersion,
    CancelExecution,
    Command,
    CommandData,
    DeployWorkflow,
    Event,
    Outcome,
    UndeployWorkflow,
    WorkflowActivated,
)
from support.bdd import MAKER, NOW, an_id


class Deployments:
    """One workflow's log, told command by command."""

    def __init__(self) -> None:
        self.state = WorkflowState()
        self.raws: list[bytes] = []
        self.commands = 0

    def send(self, data: CommandData, *, command_id: str | None = None, **more: Any) -> Outcome:
        self.commands += 1
        command = Command(
            command_id=command_id or an_id(self.commands),
            type=data.TYPE,
            execution_id="refunds",
            issued_at=iso(NOW),
            actor=MAKER,
            data=data,
            **more,
        )
        outcomes: list[Outcome] = []
        for result in decide_workflow(self.state, command, NOW):
            if isinstance(result, Draft):
                self._record(result)
            else:
                outcomes.append(result)
        assert len(outcomes) == 1
        assert self.replayed() == self.state
        return outcomes[0]

    def _record(self, draft: Draft) -> None:
        event = Event(
            type=draft.data.TYPE,
            event_id=self.state.version + 1,
            workflow_id="refunds",
            timestamp=iso(NOW),
            causation_id=draft.causation_id,
            prev=chain_hash(self.raws[-1]) if self.raws else None,
            data=draft.data,
        )
        evolve_workflow(self.state, event)
        self.raws.append(encode(event))

    def replayed(self) -> WorkflowState:
        state = WorkflowState()
        for raw in self.raws:
            evolve_workflow(state, decode_event(raw))
        return state

    def deploy(self, digest: str = "d1", **more: Any) -> Outcome:
        data = DeployWorkflow(
            workspace_id="ws", workflow_id="refunds", name="Refunds", definition={"of": digest}, digest=digest
        )
        return self.send(data, **more)

    def undeploy(self, **more: Any) -> Outcome:
        return self.send(UndeployWorkflow(workspace_id="ws", workflow_id="refunds"), **more)

    def roll_back(self, version: int, **more: Any) -> Outcome:
        data = ActivateVersion(workspace_id="ws", workflow_id="refunds", version=version)
        return self.send(data, **more)


def code(outcome: Outcome) -> str:
    assert outcome.outcome == "refused"
    assert outcome.refusal is not None
    return outcome.refusal.code


def test_the_first_deployment_is_version_one() -> None:
    log = Deployments()
    outcome = log.deploy("d1")
    assert (outcome.outcome, outcome.event_id) == ("accepted", 1)
    assert (log.state.active_version, log.state.active.digest, log.state.is_deployed) == (1, "d1", True)
    assert (log.state.active.name, log.state.workspace_id, log.state.deployed_at) == ("Refunds", "ws", NOW)


def test_each_deployment_is_a_new_version_even_of_the_same_definition() -> None:
    log = Deployments()
    log.deploy("d1")
    log.deploy("d1")
    assert log.state.active_version == 2


def test_an_undeployed_workflow_keeps_its_version() -> None:
    log = Deployments()
    log.deploy()
    assert log.undeploy().outcome == "accepted"
    assert (log.state.is_deployed, log.state.active_version) == (False, 1)


def test_a_deployment_after_an_undeployment_goes_on_counting() -> None:
    log = Deployments()
    log.deploy()
    log.undeploy()
    log.deploy("d2")
    assert (log.state.is_deployed, log.state.active_version, log.state.version) == (True, 2, 3)


def test_what_is_not_deployed_cannot_be_undeployed() -> None:
    log = Deployments()
    assert code(log.undeploy()) == "WORKFLOW_NOT_FOUND"
    log.deploy()
    log.undeploy()
    assert code(log.undeploy()) == "WORKFLOW_NOT_FOUND"


def test_a_deployment_that_is_delivered_twice_has_one_effect() -> None:
    log = Deployments()
    log.deploy(command_id=an_id(9))
    again = log.deploy(command_id=an_id(9))
    assert (again.outcome, again.event_id, log.state.version) == ("duplicate", 1, 1)


def test_a_deployment_that_comes_too_late_changes_nothing() -> None:
    log = Deployments()
    assert code(log.deploy(not_after=iso(NOW - 1))) == "EXPIRED"
    assert log.raws == []


def test_a_command_for_an_execution_finds_no_workflow() -> None:
    assert code(Deployments().send(CancelExecution(reason="no"))) == "WORKFLOW_NOT_FOUND"


def test_an_event_that_does_not_follow_is_refused() -> None:
    log = Deployments()
    log.deploy()
    with pytest.raises(ValueError, match="does not follow"):
        evolve_workflow(log.state, decode_event(log.raws[0]))


def test_a_workflows_events_are_chained_and_name_no_execution() -> None:
    log = Deployments()
    log.deploy()
    log.undeploy()
    assert broken_link(log.raws) is None
    assert {decode_event(raw).execution_id for raw in log.raws} == {None}


# An earlier version again ------------------------------------------------------------------------------


def test_a_rollback_makes_an_earlier_version_the_active_one_and_says_who_did_it() -> None:
    log = Deployments()
    log.deploy("d1")
    log.deploy("d2")

    outcome = log.roll_back(1)

    assert (outcome.outcome, outcome.event_id) == ("accepted", 3)
    assert (log.state.active_version, log.state.active.digest) == (1, "d1")
    assert decode_event(log.raws[-1]).data == WorkflowActivated(
        workspace_id="ws", version=1, name="Refunds", digest="d1", actor=MAKER
    )


def test_a_deployment_after_a_rollback_is_newer_than_every_version() -> None:
    log = Deployments()
    log.deploy("d1")
    log.deploy("d2")
    log.roll_back(1)

    log.deploy("d3")

    assert (log.state.active_version, log.state.active.digest) == (3, "d3")


def test_a_rollback_to_the_active_version_records_nothing() -> None:
    log = Deployments()
    log.deploy("d1")

    outcome = log.roll_back(1)

    assert (outcome.outcome, outcome.event_id, len(log.raws)) == ("accepted", 1, 1)


def test_a_rollback_of_an_undeployed_workflow_deploys_it_again() -> None:
    log = Deployments()
    log.deploy("d1")
    log.undeploy()

    log.roll_back(1)

    assert (log.state.is_deployed, log.state.active_version) == (True, 1)


def test_a_version_that_never_was_cannot_be_rolled_back_to() -> None:
    log = Deployments()
    assert code(log.roll_back(1)) == "WORKFLOW_NOT_FOUND"
    log.deploy()
    assert code(log.roll_back(2)) == "VERSION_NOT_FOUND"


def test_a_rollback_that_is_delivered_twice_has_one_effect() -> None:
    log = Deployments()
    log.deploy("d1")
    log.deploy("d2")
    log.roll_back(1, command_id=an_id(9))

    again = log.roll_back(1, command_id=an_id(9))

    assert (again.outcome, again.event_id, log.state.version) == ("duplicate", 3, 3)
