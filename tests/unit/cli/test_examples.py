"""What `signoff serve --examples` needs to bring along."""

from pathlib import Path

import pytest

from signoff.cli.exits import CommandError
from signoff.cli.serving.examples import Example, read_examples, with_surroundings
from signoff.engine.definitions.parse import parse
from signoff.gateway.workflows.yaml_text import decode_yaml
from signoff.runtime.settings import Settings

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.mark.parametrize("example", read_examples(EXAMPLES), ids=lambda example: example.workflow_id)
def test_an_example_has_neither_fault_nor_warning_and_the_name_of_its_folder(example: Example) -> None:
    document = decode_yaml(example.raw)
    parsed = parse(document, workflow_id="?")

    assert (parsed.faults, parsed.warnings) == ([], [])
    assert document["workflow"] == example.workflow_id


def test_there_are_seven_examples_each_with_an_input_and_a_page() -> None:
    examples = read_examples(EXAMPLES)

    assert [example.workflow_id for example in examples] == [
        "batch-review",
        "campaign",
        "deploy-gate",
        "large-refund",
        "publish-review",
        "refund-approval",
        "triage",
    ]
    for example in examples:
        assert (EXAMPLES / example.workflow_id / "input.json").is_file()
        assert (EXAMPLES / example.workflow_id / "README.md").is_file()


def test_away_from_the_repository_the_option_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="run it in Signoff's repository"):
        read_examples(tmp_path)


def test_the_examples_may_call_the_server_itself_and_only_then() -> None:
    settings = with_surroundings(Settings(port=9000))

    assert settings.environment["DEPLOY_URL"] == "http://127.0.0.1:9000/healthz"
    assert settings.allow_private_networks == ("127.0.0.0/8",)


def test_a_canary_of_ones_own_opens_no_network() -> None:
    given = Settings(environment={"DEPLOY_URL": "https://canary.example.org"})

    assert with_surroundings(given) == given
