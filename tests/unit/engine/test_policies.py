"""Who decides, how many, until when: what authors write, at deploy and when a pause opens."""

from typing import Any

import pytest

from signoff.engine.definitions.parse import Parsed, parse
from signoff.engine.errors import InvalidValueError
from signoff.engine.points.policies import NO_POLICY, Policy, named_people, read_policy
from signoff.events.times import from_iso
from signoff.events.types import Deadline, Quorum

NOW = from_iso("2026-07-03T14:30:00Z")  # a Friday
ANN, BOB, FINANCE, ADMIN = "ann@example.com", "user:b", "group:finance", "role:admin"
KEYS = {ANN: "user:a", "user:a": "user:a", BOB: "user:b", FINANCE: "group:f", ADMIN: "role:admin"}
FORM = [{"name": "approved", "type": "boolean", "required": True}, {"name": "note"}]
OFFICE = {"timezone": "Europe/Zurich", "hours": {"mon-fri": "09:00-17:00"}}


def read(form: Any = FORM, **params: Any) -> Policy:
    return read_policy({"inputFormat": form} | params, keys=KEYS, opened_at=NOW)


def deployed(form: Any = None, **block: Any) -> Parsed:
    ask = {"type": "human_in_the_loop", "form": form or {"approved": "boolean"}} | block
    return parse({"input": {"x": "string"}, "blocks": {"ask": ask}}, workflow_id="w")


def moments(policy: Policy) -> list[tuple[str, str]]:
    return [(each.at[:19], each.action) for each in policy.deadlines]


def test_a_form_that_grew_by_its_references_beyond_what_an_event_holds_opens_no_pause() -> None:
    many = [{"name": f"x{number}", "options": ["o" * 100] * 10} for number in range(100)]
    with pytest.raises(InvalidValueError, match=r"options: is too much: a form has at most 64 KB of JSON"):
        read(many)


# --- What comes of it ---


def test_a_pause_that_says_nothing_has_no_policy() -> None:
    assert read() is NO_POLICY
    assert named_people({"inputFormat": FORM}) == []


def test_people_are_kept_by_their_keys_each_once() -> None:
    policy = read(assignees=[ANN, "user:a", FINANCE, ADMIN])

    assert policy.assignees == ["user:a", "group:f", "role:admin"]
    assert (policy.self_approval, policy.priority, policy.step_up) == (True, "normal", False)


def test_all_that_is_written_is_read() -> None:
    policy = read(
        title=" Pay\n 5 ", priority="urgent", stepUp="true", selfApproval=True,
        quorum={"required": "2", "rejections": 2, "weights": {FINANCE: 2}, "veto": [ANN]},
    )  # fmt: skip

    assert policy == Policy(
        title="Pay 5",
        priority="urgent",
        step_up=True,
        quorum=Quorum(required=2, field="approved", rejections=2, weights={"group:f": 2}, veto=["user:a"]),
    )


def test_with_a_quorum_nobody_approves_what_they_started_unless_it_says_so() -> None:
    assert read(quorum={"required": 1}).self_approval is False
    assert read(quorum={"required": 1}, selfApproval=True).self_approval is True


def test_a_title_is_one_line_and_cut() -> None:
    assert read(title="x" * 500).title == "x" * 199 + "…"
    assert read(title=5).title == "5"
    assert read(title=" ").title is None


def test_every_name_of_a_policy_is_to_be_found() -> None:
    params = {
        "assignees": [ANN, FINANCE, 5],
        "quorum": {"required": 1, "weights": {BOB: 2}, "veto": [ANN]},
        "deadline": {"steps": [{"remind": [ADMIN]}, {"escalate": ["group:board"]}, {"remind": True}, 5]},
    }

    assert named_people(params) == [ANN, FINANCE, BOB, ADMIN, "group:board"]


@pytest.mark.parametrize("params", [{"assignees": 5}, {"quorum": []}, {"deadline": {"steps": "x"}}])
def test_what_is_no_list_of_names_has_none(params: dict[str, Any]) -> None:
    assert named_people(params) == []


def test_too_many_names_are_refused_before_anybody_looks_for_them() -> None:
    with pytest.raises(InvalidValueError, match="at most 500"):
        named_people({"assignees": [f"user:{index}" for index in range(501)]})


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ([{"name": "note"}], None),
        ([{"name": "go", "type": "boolean"}], "go"),
        ([{"name": "urgent", "type": "boolean"}, {"name": "approve", "type": "boolean"}], "approve"),
    ],
)
def test_the_field_that_says_yes_or_no_is_found(form: Any, field: str | None) -> None:
    quorum = read(form, quorum={"required": 1}).quorum
    assert quorum is not None
    assert quorum.field == field


def test_a_short_deadline_is_one_decision() -> None:
    policy = read(deadline={"after": "2d", "default": {"approved": "false"}})

    assert policy.deadlines == [
        Deadline(at="2026-07-05T14:30:00.000000Z", action="decide", input={"approved": "false"})
    ]


def test_the_steps_of_a_deadline_get_their_moments() -> None:
    policy = read(
        deadline={
            "steps": [
                {"after": "1h", "remind": True},
                {"after": "1h", "remind": [ANN]},
                {"after": "1.5d", "escalate": [ADMIN, FINANCE]},
                {"after": "2d", "fail": True},
            ]
        }
    )

    assert moments(policy) == [
        ("2026-07-03T15:30:00", "remind"),
        ("2026-07-03T15:30:00", "remind"),
        ("2026-07-05T02:30:00", "escalate"),
        ("2026-07-05T14:30:00", "fail"),
    ]
    assert [each.to for each in policy.deadlines] == [[], ["user:a"], ["role:admin", "group:f"], []]


def test_a_deadline_with_a_calendar_counts_business_time_and_keeps_its_order() -> None:
    steps = [{"after": "1h", "remind": True}, {"after": "12h", "remind": True}, {"after": "1d", "fail": True}]

    policy = read(deadline={"calendar": OFFICE, "steps": steps})

    assert moments(policy) == [  # it opens at 16:30, half an hour before the weekend
        ("2026-07-06T07:30:00", "remind"),
        ("2026-07-07T10:30:00", "remind"),
        ("2026-07-07T10:30:00", "fail"),  # Monday at 16:30 by itself
    ]


def test_a_pause_of_an_api_has_no_form_to_fit() -> None:
    policy = read(operation="api", deadline={"after": "1h", "default": {"approved": "maybe"}})

    assert policy.deadlines[0].input == {"approved": "maybe"}


# --- What cannot be used, when the pause opens ---


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"assignees": []}, "assignees: must be a list with at least one entry"),
        ({"assignees": ANN}, "assignees: must be a list with at least one entry"),
        ({"assignees": [None]}, "assignees[0]: must be the name of a user, a group or a role"),
        ({"assignees": [[ANN]]}, "assignees[0]: must be the name of a user, a group or a role"),
        ({"assignees": ["finance"]}, 'write "group:finance" if it is a group'),
        ({"assignees": ["grup:finance"]}, 'did you mean "group"?'),
        ({"assignees": ["role:aprover"]}, 'did you mean "approver"?'),
        ({"assignees": ["group: "]}, "assignees[0]: "),
        ({"assignees": ["user:gone"]}, 'assignees[0]: "user:gone" is nobody in this workspace'),
        ({"assignees": ["<start.x>"]}, "assignees[0]: "),
        ({"assignees": [ANN] * 101}, "assignees: must be a list of at most 100 entries, not 101"),
        ({"quorum": 2}, "quorum: must be an object"),
        ({"quorum": {}}, "quorum.required: is required"),
        ({"quorum": {"required": 0}}, "quorum.required: must be a whole number from 1 to 1000"),
        ({"quorum": {"required": 1.5}}, "quorum.required: must be a whole number"),
        ({"quorum": {"required": 1, "field": "note"}}, "quorum.field: must be a field of the form"),
        ({"quorum": {"required": 1, "field": "aproved"}}, 'did you mean "approved"?'),
        ({"quorum": {"required": 1, "weights": {FINANCE: 0}}}, "quorum.weights.group:finance: must be"),
        ({"quorum": {"required": 1, "weights": {}}}, "quorum.weights: must be an object with 1 to 100 names"),
        ({"quorum": {"required": 1, "vetos": []}}, 'quorum.vetos: is not known here (did you mean "veto"?)'),
        (
            {"assignees": [ANN, "user:a", BOB], "quorum": {"required": 3}},
            "quorum.required: 3 approvals are required, but only 2 people are assigned (assign more",
        ),
        (
            {"assignees": [ANN], "quorum": {"required": 3, "weights": {ANN: 2}}},
            "only 1 person is assigned, who weigh 2 in all",
        ),
        (
            {"assignees": [ANN], "quorum": {"required": 1, "rejections": 2}},
            "quorum.rejections: 2 rejections are required, but only 1 person is assigned",
        ),
        ({"selfApproval": "perhaps"}, "selfApproval: must be true or false"),
        ({"stepUp": 1}, "stepUp: must be true or false"),
        ({"priority": "hgih"}, 'priority: must be one of low, normal, high, urgent, not "hgih"'),
        ({"title": ["x"]}, "title: must be a line of text"),
        ({"deadline": "2d"}, "deadline: must be an object"),
        ({"deadline": {"after": "soon"}}, "deadline.after: must be a duration longer than nothing"),
        ({"deadline": {"after": 5}}, "deadline.after: must be a duration longer than nothing"),
        ({"deadline": {"after": "367d"}}, "deadline.after: is longer than 366 days"),
        ({"deadline": {"after": "1d"}}, "deadline.default: is required: the decision that is taken then"),
        ({"deadline": {"after": "1d", "default": {}}}, 'deadline.default.approved: "approved" is required'),
        ({"deadline": {"after": "1d", "default": {"approved": "maybe"}}}, "deadline.default.approved: "),
        ({"deadline": {"after": "1d", "default": 5}}, "deadline.default: must be an object"),
        ({"deadline": {"after": "1d", "steps": []}}, "deadline.after: cannot stand beside steps"),
        ({"deadline": {"steps": []}}, "deadline.steps: must be a list with at least one entry"),
        ({"deadline": {"steps": [{"after": "1d"}]}}, "deadline.steps[0]: must have one of remind, escalate"),
        (
            {"deadline": {"steps": [{"after": "1d", "fail": True, "remind": True}]}},
            "deadline.steps[0]: must have one of remind, escalate, decide, fail, and no two",
        ),
        ({"deadline": {"steps": [{"after": "1d", "fail": False}]}}, "deadline.steps[0].fail: must be true"),
        ({"deadline": {"steps": [{"after": "1d", "remind": "x"}]}}, "deadline.steps[0].remind: must be true"),
        ({"deadline": {"steps": [{"after": "1d", "escalate": True}]}}, "deadline.steps[0].escalate: must be"),
        (
            {"deadline": {"steps": [{"after": "2d", "remind": True}, {"after": "1d", "fail": True}]}},
            "deadline.steps[1].after: is earlier than the step before it",
        ),
        (
            {"deadline": {"steps": [{"after": "1d", "fail": True}, {"after": "2d", "remind": True}]}},
            "deadline.steps[1]: never comes: the step before it fails",
        ),
        (
            {"deadline": {"steps": [{"after": "1h", "remind": True}] * 21}},
            "deadline.steps: must be a list of at most 20 entries",
        ),
        (
            {"deadline": {"calendar": OFFICE, "after": "1.5d", "default": {"approved": False}}},
            "deadline.after: business time has whole days only",
        ),
        (
            {"deadline": {"calendar": OFFICE, "after": "366d", "default": {"approved": False}}},
            "deadline.after: the hours of the next 366 days do not come to that much business time",
        ),
        ({"form": [{"name": "a", "type": "number", "min": "x"}]}, "inputFormat[0].min: must be a number"),
        ({"form": [{"name": "a", "pattern": "<start.x>("}]}, "inputFormat[0].pattern: "),
    ],
)  # fmt: skip
def test_what_cannot_be_used_fails_with_its_name(params: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        read(**params)

    assert text in str(raised.value)


def test_a_field_that_is_not_named_must_be_the_only_one_that_can_be_meant() -> None:
    form = [{"name": "ok", "type": "boolean"}, {"name": "urgent", "type": "boolean"}]

    with pytest.raises(InvalidValueError, match=r"quorum\.field: is required: ok, urgent"):
        read(form, quorum={"required": 1})


def test_people_who_are_asked_later_may_make_a_quorum_whole() -> None:
    steps = [{"after": "1h", "escalate": [BOB]}]
    asked = {"assignees": [ANN], "quorum": {"required": 2}}

    assert len(read(**asked, deadline={"steps": steps}).deadlines) == 1
    assert deployed(**asked, deadline={"steps": steps}).faults == []
    with pytest.raises(InvalidValueError, match="only 1 person is assigned"):
        read(**asked, deadline={"steps": [{"after": "1h", "remind": [BOB]}]})


def test_nobody_knows_how_many_a_group_has() -> None:
    assert read(assignees=[ANN, FINANCE], quorum={"required": 5}).quorum is not None


def test_a_weight_that_a_group_gives_may_be_anybodys() -> None:
    assert read(assignees=[ANN], quorum={"required": 2, "weights": {FINANCE: 2}}).quorum is not None


# --- When it is deployed ---


@pytest.mark.parametrize(
    ("block", "path", "hint"),
    [
        ({"assignees": ["finance"]}, ".assignees[0]", 'write "group:finance" if it is a group'),
        ({"assignees": ["role:aprover"]}, ".assignees[0]", 'did you mean "approver"?'),
        ({"assignees": [ANN], "quorum": {"required": 2}}, ".quorum.required", "assign more, or a group"),
        ({"quorum": {"required": 1, "field": "aproved"}}, ".quorum.field", 'did you mean "approved"?'),
        ({"quorum": {"field": "<start.x>", "veot": 1}}, ".quorum.veot", 'did you mean "veto"?'),
        ({"quorum": {"weights": {"finance": 2}}}, ".quorum.weights.finance", None),
        ({"priority": "hgih"}, ".priority", 'did you mean "high"?'),
        ({"stepUp": "no"}, ".stepUp", None),
        ({"deadline": {"aftr": "1d"}}, ".deadline.aftr", 'did you mean "after"?'),
        ({"deadline": {"calendar": {"hours": {"mon": "9-5"}}}}, ".deadline.calendar.hours.mon", None),
        ({"deadline": {"steps": [{"remnd": True}]}}, ".deadline.steps[0].remnd", 'did you mean "remind"?'),
        ({"deadline": {"after": "1h", "default": {"approved": 5}}}, ".deadline.default.approved", None),
        ({"deadline": "2d"}, ".deadline", "such as {after: 2d, default: {approved: false}}"),
        ({"notify": [{}]}, ".notify[0]", 'such as {url: "{{TEAM_CHANNEL}}"}, or {to: assignees}'),
        ({"notify": ["x"]}, ".notify[0]", None),
        ({"notify": [{"url": 5}]}, ".notify[0].url", None),
        ({"notify": [{"to": "asignees"}]}, ".notify[0].to", 'did you mean "assignees"?'),
        ({"notify": [{"url": "x://y", "on": ["opend"]}]}, ".notify[0].on[0]", 'did you mean "opened"?'),
        ({"notify": [{"url": "x://y", "on": []}]}, ".notify[0].on", "such as [opened, closed]"),
        ({"notify": [{"url": "x://y", "text": "x"}]}, ".notify[0].text", None),
        ({"notify": [{"url": "x://y"}] * 21}, ".notify", None),
    ],
)  # fmt: skip
def test_a_fault_of_a_policy_is_found_when_it_is_deployed(
    block: dict[str, Any], path: str, hint: str | None
) -> None:
    found = {fault.path: fault.hint for fault in deployed(**block).faults}

    assert f"blocks.ask{path}" in found
    assert hint is None or found[f"blocks.ask{path}"] == hint


@pytest.mark.parametrize(
    "block",
    [
        {"assignees": "<start.x>", "quorum": "<start.x>", "deadline": "<start.x>", "priority": "<start.x>"},
        {"assignees": ["<start.x>", "group:<start.x>"], "quorum": {"required": "<start.x>"}},
        {"assignees": [ANN], "quorum": {"required": 2, "weights": {ANN: "<start.x>"}}},
        {"deadline": {"after": "<start.x>d", "default": "<start.x>"}},
        {"deadline": {"after": "1d", "default": {"approved": "<start.x>"}}},
        {"deadline": {"calendar": "<start.x>", "steps": "<start.x>"}},
        {"deadline": {"calendar": {"hours": "<start.x>", "timezone": "{{ZONE}}"}, "steps": ["<start.x>"]}},
        {
            "deadline": {
                "steps": [{"after": "2d", "remind": "<start.x>"}, {"after": "<start.x>", "fail": True}]
            }
        },
        {"selfApproval": "<start.x>", "stepUp": "{{STEP_UP}}", "title": "<start.x>"},
        {"notify": [{"url": "{{CHANNEL}}", "on": "<start.x>", "body": "<ask.url>"}]},
        {"title": None, "assignees": None, "quorum": None, "deadline": None, "notify": None},
    ],
)
def test_what_is_not_known_yet_is_not_judged(block: dict[str, Any]) -> None:
    parsed = deployed(**block)

    assert (parsed.faults, parsed.warnings) == ([], [])


def test_the_spelling_of_sim_is_read_by_the_same_rules_and_its_notifications_are_kept() -> None:
    notification = [{"type": "slack", "toolId": "slack_message", "params": {"channel": "c"}}, {"url": 5}]
    params = {"inputFormat": FORM, "assignees": ["finance"], "notification": notification}
    blocks = [
        {"id": "s", "metadata": {"id": "start_trigger"}},
        {"id": "h", "metadata": {"id": "human_in_the_loop"}, "config": {"params": params}},
    ]

    faults = parse({"blocks": blocks, "connections": []}, workflow_id="w").faults

    assert [fault.path for fault in faults] == [
        "blocks[1].config.params.assignees[0]",
        "blocks[1].config.params.notification[1].url",
    ]


def test_our_spelling_stands_under_the_names_of_the_engine() -> None:
    definition = deployed(title="t", notify=[{"to": "assignees"}], stepUp=True).definition
    assert definition is not None
    params = next(block.params for block in definition.blocks if block.id == "ask")

    assert (params["title"], params["notification"], params["stepUp"]) == ("t", [{"to": "assignees"}], True)
