"""Every case of ``chapters/``, on the engine alone and on servers over HTTP."""

import json
from typing import Any
from uuid import uuid4

import pytest

from semantics.cases import Case, compare_findings, definitions, load, play
from semantics.model import Model
from support.engine_runs import Engine
from support.systems import System


def _parameters(*, refused: bool) -> list[Any]:
    return [
        pytest.param(case, id=f"{case.rule} {case.case}", marks=pytest.mark.rule(*case.rules))
        for case in load()
        if bool(case.faults) == refused
    ]


@pytest.mark.parametrize("case", _parameters(refused=False))
async def test_the_engine_keeps_the_rule(case: Case, engine: Engine, server: str, model: Model) -> None:
    given = definitions(case, server, {name: name for name in case.others})
    parsed = engine.parse(given.workflow)
    compare_findings(case.warnings, {each.path: each.message for each in parsed.warnings})

    await play(case, engine.run(given.workflow, given.others), model)


@pytest.mark.parametrize("case", _parameters(refused=False))
async def test_a_server_keeps_the_rule(case: Case, system: System, server: str, model: Model) -> None:
    given = definitions(case, server, {name: f"{name}-{uuid4()}" for name in case.others})

    await play(case, await system.run(given.workflow, given.others), model)


@pytest.mark.parametrize("case", _parameters(refused=True))
def test_the_engine_finds_the_faults(case: Case, engine: Engine, server: str) -> None:
    parsed = engine.parse(definitions(case, server, {}).workflow)

    assert parsed.definition is None
    compare_findings(case.faults, {each.path: each.message for each in parsed.faults})


@pytest.mark.parametrize("case", _parameters(refused=True))
async def test_a_server_refuses_the_definition(case: Case, system: System, server: str) -> None:
    workflow_id = f"refused-{uuid4()}"

    status, answer = await system.deploy(definitions(case, server, {}).workflow, workflow_id)

    assert status == 422, json.dumps(answer)
    compare_findings(case.faults, {each["path"]: each["message"] for each in answer["details"]})
    assert (await system.call("GET", f"/api/workflows/{workflow_id}"))[0] == 404
