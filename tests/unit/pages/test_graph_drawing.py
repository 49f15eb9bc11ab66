"""A definition as a drawing."""

from typing import Any

from signoff.engine.definitions.definition import Connection, Definition
from signoff.engine.definitions.parse import parse
from signoff.gateway.pages.graph.drawing import MAX_BLOCKS, MAX_LISTED, Drawing, draw, path_of
from signoff.gateway.pages.graph.words import shortened


def _definition(blocks: dict[str, Any], **more: Any) -> Definition:
    parsed = parse({"blocks": blocks, **more}, workflow_id="tried")
    assert parsed.definition is not None, parsed.faults
    return parsed.definition


def _drawn(blocks: dict[str, Any], **more: Any) -> Drawing:
    return draw(_definition(blocks, **more))


def _names(drawing: Drawing) -> list[str]:
    return [block.id for block in drawing.blocks]


def test_cases_and_failures_leave_by_exits_with_names() -> None:
    drawing = _drawn(
        {
            "check": {
                "type": "condition",
                "cases": [{"when": "<start.a> > 1", "then": "pay"}, {"else": "no"}],
            },
            "pay": {"type": "function", "code": "return 1", "catch": "no"},
            "no": {"type": "response", "data": "no"},
        }
    )

    exits = {block.id: [(each.label, each.tone) for each in block.exits] for block in drawing.blocks}
    assert exits["check"] == [("<start.a> > 1", ""), ("else", "")]
    assert exits["pay"] == [("on failure", "error")]
    assert [(line.source, line.label, line.target) for line in drawing.leaving["check"]] == [
        ("check", "<start.a> > 1", "pay"),
        ("check", "else", "no"),
    ]


def test_containers_hold_their_blocks_and_say_how_they_go_about_it() -> None:
    drawing = _drawn(
        {
            "each": {
                "type": "loop",
                "forEach": "<start.orders>",
                "blocks": {
                    "one": {"type": "wait", "for": "1s", "then": "two"},
                    "two": {"type": "wait", "for": "1s"},
                },
            }
        },
        input={"orders": "array"},
    )

    each, one = (next(block for block in drawing.blocks if block.id == name) for name in ("each", "one"))
    assert each.is_container
    assert each.kind == "Loop · for each of <start.orders>"
    assert one.container_id == "each"
    assert each.x < one.x
    assert one.x + one.width < each.x + each.width
    assert each.y < one.y
    assert one.y + one.height < each.y + each.height
    assert len(drawing.entries) == 1
    assert len(drawing.entries[0][1]) == 1
    assert _names(drawing).index("each") < _names(drawing).index("one")


def test_edges_that_cross_a_border_are_not_drawn() -> None:
    definition = _definition(
        {"a": {"type": "loop", "for": 2, "blocks": {"in": {"type": "wait", "for": "1s"}}}}
    )
    crossing = Connection("start", "in")
    crossed = Definition(
        name="x",
        blocks=definition.blocks,
        connections=(*definition.connections, crossing),
        loops=definition.loops,
    )

    assert ("start", "in") not in [(line.source, line.target) for line in draw(crossed).lines]


def test_a_block_without_an_entry_and_a_disabled_one_are_drawn() -> None:
    drawing = _drawn(
        {"a": {"type": "wait", "for": "1s"}, "off": {"type": "wait", "for": "1s", "enabled": False}}
    )

    assert [block.enabled for block in drawing.blocks if block.id == "off"] == [False]


def test_a_workflow_that_is_too_large_is_listed() -> None:
    blocks = {f"b{each}": {"type": "wait", "for": "1s"} for each in range(MAX_BLOCKS + 1)}
    drawing = _drawn(blocks)

    assert not drawing.is_drawn
    assert (drawing.count, len(drawing.blocks)) == (MAX_BLOCKS + 2, MAX_LISTED)


def test_long_names_are_shortened_to_their_room() -> None:
    assert shortened("short", 100) == "short"
    assert shortened("a name that is far too long", 72) == "a name th…"
    assert shortened("名前名前名前名前", 72) == "名前名前…"


def test_the_same_definition_is_always_drawn_in_the_same_way() -> None:
    blocks = {f"b{each}": {"type": "wait", "for": "1s", "then": f"b{each + 1}"} for each in range(8)}
    blocks["b8"] = {"type": "response", "data": 1}

    assert _drawn(blocks) == _drawn(blocks)


def test_a_path_is_level_in_columns_and_curved_between_them() -> None:
    straight = path_of([(0, 10), (20, 10), (40, 10), (60, 10), (80, 10), (80, 10)])
    curved = path_of([(0, 10), (20, 10), (40, 30), (60, 30), (80, 30), (80, 30)])

    assert straight == "M16 26h80"
    assert curved == "M16 26h20c10 0 10 20 20 20h40"
