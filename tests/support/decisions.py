"""Given, when, then for decisions by people: who they are, what a point's policy is, what they ask."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from signoff.engine.messages import BlockPaused, BlockResult, RunBlock
from signoff.engine.points.pauses import pause_response, resume_links
from signoff.engine.points.policies import NO_POLICY, Policy
from signoff.engine.state import PausePoint
from signoff.events.times import iso
from signoff.events.types import (
    Actor,
    AmendPause,
    CommentPause,
    Deadline,
    DeadlineAction,
    DelegatePause,
    Json,
    Maker,
    Outcome,
    PauseCommand,
    ReassignPause,
    ResumeExecution,
    ReturnPause,
    Role,
)
from support.bdd import APPROVAL, HUMAN, LOG, MAKER, NOW, WORKFLOW, Answer, Story, asks, workflow


class Person(Struct, frozen=True):
    """Somebody who asks: as the log names them, and as the gateway knew them."""

    actor: Actor
    maker: Maker


def person(
    user: str,
    *group_ids: str,
    roles: Collection[Role] = (),
    stands_in_for: Mapping[str, list[str]] | None = None,
    **more: Any,
) -> Person:
    """A user with groups."""
    maker = Maker(
        user_id=user,
        roles=list(roles),
        group_ids=list(group_ids),
        stands_in_for=dict(stands_in_for or {}),
        **more,
    )
    return Person(Actor(type="user", id=user), maker)


def key_of(owner: str, *roles: Role) -> Person:
    """A workspace's key that a user made."""
    return Person(Actor(type="apiKey", id=f"key of {owner}", owner=owner), Maker(roles=list(roles)))


ANN: Final = person("ann", auth_method="session")
BOB: Final = person("bob", "board")
CID: Final = person("cid", "board", roles=["approver"])
OPERATOR: Final = person("olga", roles=["read", "write"])
STARTER: Final = Person(MAKER, Maker(user_id=MAKER.id))


def step(after: float, action: DeadlineAction, to: Collection[str] = (), given: Json = None) -> Deadline:
    """A step of a deadline, so many seconds after the story's beginning."""
    return Deadline(at=iso(NOW + after), action=action, to=list(to), input=given)


def asks_by(policy: Policy, form: list[dict[str, Any]] | None = None) -> Answer:
    """A block that stops for people, by a policy."""
    ask = asks(APPROVAL if form is None else form)

    def answer(run: RunBlock, now: float) -> BlockResult:
        paused = ask(run, now)
        assert isinstance(paused, BlockPaused)
        return msgspec.structs.replace(paused, policy=policy)

    return answer


class Deciding(Story):
    """A story with people in it. What they ask of is the point ``ask``, if they name no other."""

    def decide(
        self,
        who: Person,
        approved: Json = True,
        *,
        at: str = "ask",
        seen: str | None = None,
        hold: float | None = None,
        retry: bool = False,
        **more: Any,
    ) -> Outcome:
        """Decide; with ``hold`` in so many seconds' advance, with ``retry`` again."""
        data = ResumeExecution(
            context_id=at,
            input=None if approved is None else {"approved": approved},
            seen_digest=seen,
            maker=who.maker,
            retry=retry,
            hold_until=None if hold is None else iso(self.now + hold),
        )
        return self.command(data, actor=who.actor, **more)

    def ask(
        self,
        kind: type[PauseCommand],
        who: Person,
        *,
        at: str = "ask",
        command_id: str | None = None,
        digest: str | None = None,
        **fields: Any,
    ) -> Outcome:
        """Ask something of a point beside deciding it."""
        data = kind(context_id=at, maker=who.maker, **fields)
        return self.command(data, actor=who.actor, command_id=command_id, digest=digest)

    def delegate(self, who: Person, to: str, **more: Any) -> Outcome:
        """Ask somebody else to decide."""
        return self.ask(DelegatePause, who, to=to, **more)

    def reassign(self, *assignees: str, **more: Any) -> Outcome:
        """Let others decide."""
        return self.ask(ReassignPause, OPERATOR, assignees=list(assignees), reason="moved", **more)

    def send_back(self, who: Person, **more: Any) -> Outcome:
        """Want changes."""
        return self.ask(ReturnPause, who, reason="too vague", **more)

    def comment(self, who: Person = ANN, **more: Any) -> Outcome:
        """Say something."""
        return self.ask(CommentPause, who, text="hm", **more)

    def amend(
        self, digest_after: str = "sha256:new", *, at: str = "ask", seen: str = "", **more: Any
    ) -> Outcome:
        """Show something else than what the point shows now."""
        links = resume_links(workflow_id=WORKFLOW, execution_id=str(LOG), context_id=at)
        return self.ask(
            AmendPause, OPERATOR, at=at,
            response=pause_response({"inputFormat": APPROVAL}, links),
            content_digest=digest_after,
            seen_digest=seen or str(self.point(at).content_digest),
            reason="corrected",
            **more,
        )  # fmt: skip

    def point(self, context_id: str = "ask") -> PausePoint:
        """A pause point."""
        return self.state.points[context_id]


ALONE: Final = workflow("start > ask > after", ask=HUMAN)


def paused(policy: Policy = NO_POLICY, **script: Answer) -> Deciding:
    """An execution that waits at its only point."""
    story = Deciding(ALONE, {"ask": asks_by(policy), **script})
    story.start().work()
    return story


def code(outcome: Outcome) -> str | None:
    """Why something was refused; ``None``: it was not."""
    return None if outcome.refusal is None else outcome.refusal.code
