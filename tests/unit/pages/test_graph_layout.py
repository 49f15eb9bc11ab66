"""Any graph is laid out so that it can be read."""

import itertools
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.gateway.pages.graph.layers import MAX_PASSING, Edge, forward, rank
from signoff.gateway.pages.graph.layout import NOWHERE, Box, Layout, Place, lay_out

EXAMPLES = 60


@st.composite
def graphs(draw: st.DrawFn, *, cyclic: bool = False) -> tuple[list[Box], list[Edge]]:
    """Boxes of all sizes, some in others, and edges between those of the same parent."""
    count = draw(st.integers(1, 24))
    boxes = []
    for number in range(count):
        parent = draw(st.one_of(st.just(NOWHERE), st.integers(0, number - 1))) if number else NOWHERE
        boxes.append(Box(draw(st.integers(20, 240)), draw(st.integers(20, 120)), parent))
    edges = []
    for source, target in draw(
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=40)
    ):
        low, high = (source, target) if cyclic else sorted((source, target))
        if boxes[low].parent == boxes[high].parent and (cyclic or low != high):
            edges.append(Edge(low, high, boxes[low].height / 2, boxes[high].height / 2))
    return boxes, edges


def _overlap(one: Place, other: Place) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _siblings(boxes: Sequence[Box], layout: Layout) -> list[tuple[Place, Place]]:
    numbered = list(zip(boxes, layout.places, strict=True))
    return [
        (place, other)
        for (box, place), (another, other) in itertools.combinations(numbered, 2)
        if box.parent == another.parent
    ]


@settings(max_examples=EXAMPLES)
@given(graphs())
def test_boxes_do_not_overlap(graph: tuple[list[Box], list[Edge]]) -> None:
    boxes, edges = graph
    for one, other in _siblings(boxes, lay_out(boxes, edges)):
        assert not _overlap(one, other)


@settings(max_examples=EXAMPLES)
@given(graphs())
def test_edges_lead_to_the_right(graph: tuple[list[Box], list[Edge]]) -> None:
    boxes, edges = graph
    layout = lay_out(boxes, edges)
    for edge, route in zip(edges, layout.routes, strict=True):
        source, target = layout.places[edge.source], layout.places[edge.target]
        assert route[0] == (source.x + source.width, source.y + edge.leaves)
        assert route[-1] == (target.x, target.y + edge.enters)
        assert all(left[0] <= right[0] for left, right in itertools.pairwise(route))


@settings(max_examples=EXAMPLES)
@given(graphs())
def test_what_is_in_a_box_stays_within(graph: tuple[list[Box], list[Edge]]) -> None:
    boxes, edges = graph
    layout = lay_out(boxes, edges)
    for box, place in zip(boxes, layout.places, strict=True):
        width, height = layout.size
        around = Place(0, 0, width, height) if box.parent == NOWHERE else layout.places[box.parent]
        assert around.x <= place.x
        assert place.x + place.width <= around.x + around.width
        assert around.y <= place.y
        assert place.y + place.height <= around.y + around.height


@settings(max_examples=EXAMPLES)
@given(graphs())
def test_edges_pass_no_box(graph: tuple[list[Box], list[Edge]]) -> None:
    boxes, edges = graph
    layout = lay_out(boxes, edges)
    for edge, route in zip(edges, layout.routes, strict=True):
        others = [
            place
            for number, (box, place) in enumerate(zip(boxes, layout.places, strict=True))
            if box.parent == boxes[edge.source].parent and number not in (edge.source, edge.target)
        ]
        for (left, top), (right, bottom) in zip(route[::2], route[1::2], strict=True):
            assert top == bottom
            level = Place(left, top - 0.1, right - left, 0.2)
            assert not any(_overlap(level, other) for other in others)


@settings(max_examples=EXAMPLES)
@given(graphs(cyclic=True))
def test_cycles_are_laid_out_too(graph: tuple[list[Box], list[Edge]]) -> None:
    boxes, edges = graph
    layout = lay_out(boxes, edges)
    for one, other in _siblings(boxes, layout):
        assert not _overlap(one, other)
    for edge, route in zip(edges, layout.routes, strict=True):
        assert bool(route) == (edge.source != edge.target)


@settings(max_examples=EXAMPLES)
@given(graphs())
def test_a_graph_is_always_drawn_in_the_same_way(graph: tuple[list[Box], list[Edge]]) -> None:
    assert lay_out(*graph) == lay_out(*graph)


def test_a_chain_is_a_straight_line() -> None:
    boxes = [Box(100, 40) for _ in range(6)]
    layout = lay_out(boxes, [Edge(each, each + 1, 20, 20) for each in range(5)])

    assert {place.y for place in layout.places} == {0}
    assert [place.x for place in layout.places] == sorted(place.x for place in layout.places)


def test_a_choice_stands_in_the_middle_of_what_it_leads_to() -> None:
    boxes = [Box(100, 40) for _ in range(4)]
    layout = lay_out(
        boxes, [*(Edge(0, each, 20, 20) for each in (1, 2)), *(Edge(each, 3, 20, 20) for each in (1, 2))]
    )

    first, upper, lower, last = (place.y for place in layout.places)
    assert first == last == (upper + lower) / 2


def test_edges_that_can_be_untangled_do_not_cross() -> None:
    # 0 leads to 4 and 1 to 3: one pair is turned round
    boxes = [Box(100, 40) for _ in range(6)]
    edges = [Edge(0, 4, 20, 20), Edge(1, 3, 20, 20), Edge(3, 5, 20, 20), Edge(4, 2, 20, 20)]
    places = lay_out(boxes, edges).places

    assert (places[0].y < places[1].y) == (places[4].y < places[3].y)


def test_long_edges_to_one_block_run_together() -> None:
    # the error edges of a long chain, all to one block at its end
    count = 30
    boxes = [Box(100, 40) for _ in range(count + 1)]
    edges = [Edge(each, each + 1, 20, 20) for each in range(count - 1)]
    edges += [Edge(each, count, 30, 20, strand=1) for each in range(count)]
    layout = lay_out(boxes, edges)

    levels = {route[-3][1] for route in layout.routes[count - 1 : -2]}
    assert len(levels) == 1


def test_too_many_long_edges_are_drawn_straight() -> None:
    count = 120
    boxes = [Box(20, 20) for _ in range(count)]
    edges = [Edge(low, high, 10, 10) for low in range(count) for high in range(low + 1, count)]
    layout = lay_out(boxes, edges)

    assert sum(len(route) - 4 for route in layout.routes) / 2 <= count * MAX_PASSING
    assert all(len(route) >= 4 for route in layout.routes)


def test_only_edges_that_close_a_cycle_are_turned() -> None:
    assert forward(3, [Edge(0, 1), Edge(1, 2), Edge(2, 0), Edge(0, 2)]) == [True, True, False, True]


def test_what_nothing_leads_to_stands_beside_what_it_leads_to() -> None:
    assert rank(4, [Edge(0, 1), Edge(1, 2), Edge(3, 2)]) == [0, 1, 2, 1]


def test_nothing_is_nothing() -> None:
    assert lay_out([], []) == Layout([], [], (0.0, 0.0))
