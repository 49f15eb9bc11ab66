import pytest

from signoff.gateway.errors import ApiError
from signoff.gateway.executions.selection import Selected, select

DEFINITION = {
    "blocks": [
        {"id": "b-1", "metadata": {"name": "Look Up"}},
        {"id": "b-1_x", "metadata": {"name": "Other"}},
    ]
}


@pytest.mark.parametrize(
    ("text", "block_id", "path"),
    [
        ("lookup.result[0].name", "b-1", ("result", "0", "name")),
        ("Look Up.result", "b-1", ("result",)),
        ("b-1_result", "b-1", ("result",)),
        ("b-1.result.0", "b-1", ("result", "0")),
        ("b-1_x.result", "b-1_x", ("result",)),
        ("b-1", "b-1", ()),
    ],
)
def test_a_selected_output_names_its_block_in_any_spelling(
    text: str, block_id: str, path: tuple[str, ...]
) -> None:
    assert select([text], DEFINITION) == [Selected(text, block_id, path)]


def test_each_unknown_block_is_named() -> None:
    with pytest.raises(ApiError) as caught:
        select(["lookup.a", "nobody.a", "b-2_a"], DEFINITION)

    assert [each.path for each in caught.value.details] == ["selectedOutputs[1]", "selectedOutputs[2]"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), {"a": [1, {"b": 2}]}),
        (("a", "1", "b"), 2),
        (("a", "7"), None),
        (("a", "x"), None),
        (("a", "0", "y"), None),
    ],
)
def test_a_value_is_picked_by_its_path(path: tuple[str, ...], value: object) -> None:
    assert Selected("", "b", path).pick({"a": [1, {"b": 2}]}) == value
