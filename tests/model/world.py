"""The workflow, the policies and the people that the engine and its reference are driven with."""

from collections.abc import Collection, Iterable
from typing import Any, Final, cast

from msgspec import Struct

from model.terms import Policy as Rules
from model.terms import Step, Who
from signoff.engine.definitions.definition import Loop
from signoff.engine.definitions.graph import Graph
from signoff.engine.points.policies import Policy
from signoff.events.times import iso
from signoff.events.types import Actor, Deadline, DeadlineAction, Maker, Quorum, Role
from support.bdd import HUMAN, workflow

STARTER: Final = "sam"
FORM: Final = [{"name": "approved", "type": "boolean", "required": True}]

STEPS: Final = {
    "plain": Step(("after_plain",), Rules(starter=False)),
    "board": Step(
        ("after_board",),
        Rules(
            who=("user:ann", "group:g", "role:approver", "user:sam"),
            required=3, rejections=2, weights={"user:ann": 2, "group:g": 1}, veto=frozenset({"user:cid"}),
            starter=False,
        ),
    ),
    "ladder": Step(
        ("after_ladder",),
        Rules(
            who=("user:ann",), code=True,
            ladder=((10, "remind", ()), (20, "escalate", ("user:bob", "user:ann")), (30, "decide", ())),
        ),
    ),
    "strict": Step(("after_strict",), Rules(who=("group:g",), ladder=((5, "remind", ()), (25, "fail", ())))),
    "soft": Step(
        ("after_soft",), Rules(ladder=((5, "escalate", ("user:eve",)), (15, "fail", ()))), ("rescue",)
    ),
    "fork": Step(("more", "breaks"), Rules(who=("user:ann", "user:bob", "role:approver"))),
    "more": Step(("after_more",), Rules(required=1, ladder=((20, "decide", ()),))),
    "last": Step((), Rules()),
    "turns": Step(("item_loop0",)),
    "item_loop0": Step(("act_loop0",), Rules(who=("user:ann", "group:g"))),
    "act_loop0": Step(("item_loop1",)),
    "item_loop1": Step(("act_loop1",), Rules(who=("user:ann", "group:g"))),
    "act_loop1": Step(),
    **dict.fromkeys(
        ("after_plain", "after_board", "after_ladder", "after_strict", "after_soft", "rescue", "after_more"),
        Step(),
    ),
    "breaks": Step(),
}  # fmt: skip
"""Every step; an execution has those that its roots lead to."""

ROOTS: Final = ("plain", "board", "ladder", "strict", "soft", "fork", "turns", "last")

TOLD: Final = {"plain", "ladder", "item"}
"""Points whose notifications tell of everything."""

_PATHS: Final = {
    "soft": ("start > soft > after_soft", "soft !> rescue"),
    "last": ("start > last",),
    "fork": ("start > fork > more > after_more", "fork > breaks"),
    "turns": ("start > turns", "item > act"),
}


def graph_of(roots: Collection[str]) -> Graph:
    """The workflow that has these first steps."""
    paths = [path for root in roots for path in _PATHS.get(root, (f"start > {root} > after_{root}",))]
    loops = [Loop(id="turns", nodes=("item", "act"), iterations=2)] if "turns" in roots else []
    points = {"item" if root == "turns" else root for root in roots}
    points |= {"more"} & set(steps_of(roots))
    asking: dict[str, Any] = dict.fromkeys(points, HUMAN)
    graph = workflow(*paths, containers=loops, **asking)
    for point in points & TOLD:
        graph.nodes[point].block.params["notification"] = [{"url": "{{CHANNEL}}"}]
    return graph


def steps_of(roots: Iterable[str]) -> dict[str, Step]:
    """The steps that some lead to."""
    found: dict[str, Step] = {}
    for root in roots:
        step = found[root] = STEPS[root]
        found |= steps_of([*step.then, *step.rescue])
    return found


def policy_of(rules: Rules, now: float) -> Policy:
    """The policy as a pause block gives it that opens now."""
    return Policy(
        assignees=list(rules.who),
        quorum=Quorum(
            required=rules.required,
            field="approved",
            rejections=rules.rejections,
            weights=dict(rules.weights),
            veto=sorted(rules.veto),
        )
        if rules.required
        else None,
        self_approval=rules.starter,
        deadlines=[
            Deadline(
                at=iso(now + after), action=cast("DeadlineAction", action), to=list(to),
                input={"approved": False} if action == "decide" else None,
            )
            for after, action, to in rules.ladder
        ],
        step_up=rules.code,
    )  # fmt: skip


class Person(Struct, frozen=True):
    """Somebody who asks, as the engine hears of them and as the reference does."""

    actor: Actor
    maker: Maker
    who: Who


GROUPS: Final = {"bob": ["g"], "cid": ["g"]}


def _person(
    user: str,
    *roles: Role,
    stands_in_for: Collection[str] = (),
    auth_method: str = "session",
    verified: bool = False,
    key: str | None = None,
) -> Person:
    """A user, or the workspace's ``key`` that a user made."""
    own = None if key else user
    absent = {each: GROUPS.get(each, []) for each in stands_in_for}
    return Person(
        Actor(type="apiKey", id=key, owner=user) if key else Actor(type="user", id=user),
        Maker(
            user_id=own,
            roles=list(roles),
            group_ids=GROUPS.get(user, []) if own else [],
            stands_in_for=absent,
            auth_method="apiKey" if key else auth_method,
            verified=verified,
        ),
        Who(
            person=user,
            user=own,
            keys=frozenset(f"role:{role}" for role in roles) | (_keys(user) if own else frozenset()),
            stands_in={each: _keys(each) for each in absent},
            operator="write" in roles,
            page=key is None,
            needs_code=auth_method == "link" and not verified,
        ),
    )


def _keys(user: str) -> frozenset[str]:
    return frozenset((f"user:{user}", *(f"group:{group}" for group in GROUPS.get(user, ()))))


PEOPLE: Final = {
    "ann": _person("ann", "read"),
    "bob": _person("bob", "read"),
    "cid": _person("cid", "read", "approver"),
    "dee, an operator": _person("dee", "read", "write", "approver"),
    "eve": _person("eve", "read"),
    "sam, who started it": _person(STARTER, "read", "write"),
    "bob, while ann is away": _person("bob", "read", stands_in_for=("ann",)),
    "eve, while sam and cid are away": _person("eve", "read", stands_in_for=("sam", "cid")),
    "a key of ann": _person("ann", "approver", key="k1"),
    "ann by a link": _person("ann", "read", auth_method="link"),
    "ann by a link with a code": _person("ann", "read", auth_method="link", verified=True),
}
