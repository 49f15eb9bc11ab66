import asyncio

from support.gateways import APPROVAL, Server


async def test_the_first_deploy_makes_version_1_and_the_next_one_version_2(server: Server) -> None:
    first = await server.call("PUT", "/api/workflows/versions", json={"blocks": APPROVAL})
    second = await server.call("PUT", "/api/workflows/versions", json={"blocks": APPROVAL})

    assert (first[0], first[1]["version"], second[0], second[1]["version"]) == (201, 1, 200, 2)
    assert first[1]["digest"] == second[1]["digest"]
    assert first[1]["warnings"] == []


async def test_yaml_and_json_make_the_same_definition(server: Server) -> None:
    text = "workflow: same\nblocks:\n  say: {type: response, data: {on: yes}}\n"
    as_json = {"workflow": "same", "blocks": {"say": {"type": "response", "data": {"on": "yes"}}}}

    _, one = await server.call(
        "PUT", "/api/workflows/yaml", data=text, headers={"Content-Type": "application/yaml"}
    )
    _, other = await server.call("PUT", "/api/workflows/json", json=as_json)

    assert one["digest"] == other["digest"]


async def test_a_definition_with_faults_is_refused_with_all_of_them_and_not_recorded(server: Server) -> None:
    blocks = {"a": {"type": "function", "code": "return 1", "then": "nowhere"}, "b": {"type": "no-such-type"}}

    status, body = await server.call("PUT", "/api/workflows/faulty", json={"blocks": blocks})

    assert status == 422
    assert {"blocks.a.then", "blocks.b.type"} <= {each["path"] for each in body["details"]}
    assert (await server.get("/api/workflows/faulty"))[0] == 404


async def test_code_with_a_fault_is_refused_with_its_line_and_not_recorded(server: Server) -> None:
    blocks = {"a": {"type": "function", "code": "const a = 1;\nreturn a +"}}

    status, body = await server.call("PUT", "/api/workflows/faulty", json={"blocks": blocks})

    assert status == 422
    assert body["details"] == [
        {"path": "blocks.a.code", "message": "line 2: unexpected token in expression: '}'"}
    ]
    assert (await server.get("/api/workflows/faulty"))[0] == 404


async def test_what_code_will_not_find_is_a_warning_of_the_deploy(server: Server) -> None:
    blocks = {"a": {"type": "function", "code": "return await fetch('x')"}}

    status, body = await server.call("PUT", "/api/workflows/warned", json={"blocks": blocks})

    assert status == 201
    assert body["warnings"] == [
        {
            "path": "blocks.a.code",
            "message": "line 1: fetch does not exist in the sandbox",
            "hint": "there is no network: use an api block",
        }
    ]


async def test_keys_that_stand_twice_in_json_are_a_fault(server: Server) -> None:
    text = '{"blocks": {"a": {"type": "response"}, "a": {"type": "response"}}}'

    status, body = await server.call(
        "PUT", "/api/workflows/twice", data=text, headers={"Content-Type": "application/json"}
    )

    assert (status, body["details"][0]["path"]) == (422, "blocks.a")


async def test_a_bad_workflow_id_is_refused(server: Server) -> None:
    status, body = await server.call("PUT", "/api/workflows/has%20space", json={"blocks": APPROVAL})

    assert (status, body["details"][0]["path"]) == (400, "id")


async def test_a_retried_deploy_with_the_same_key_makes_one_version(server: Server) -> None:
    given = {"json": {"blocks": APPROVAL}, "headers": {"Idempotency-Key": "k"}}

    answers = [await server.call("PUT", "/api/workflows/retried", **given) for _ in range(2)]

    assert answers[0] == answers[1]


async def test_a_key_that_was_used_for_another_definition_is_refused(server: Server) -> None:
    keyed = {"headers": {"Idempotency-Key": "k"}}
    other = {"say": {"type": "response", "data": {}}}
    await server.call("PUT", "/api/workflows/keyed", json={"blocks": APPROVAL}, **keyed)

    status, body = await server.call("PUT", "/api/workflows/keyed", json={"blocks": other}, **keyed)

    assert (status, body["error"]) == (409, "This Idempotency-Key was used with another request before")


async def test_any_version_can_be_looked_at(server: Server) -> None:
    workflow_id = await server.deploy({"say": {"type": "response", "data": {"$odd": 1}}})
    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": APPROVAL})

    _, first = await server.get(f"/api/workflows/{workflow_id}?version=1")
    _, newest = await server.get(f"/api/workflows/{workflow_id}")

    assert [block["id"] for block in first["definition"]["blocks"]] == ["start", "say"]
    assert first["definition"]["blocks"][1]["config"]["params"]["data"] == {"$odd": 1}
    assert (first["isDeployed"], newest["version"], newest["isDeployed"]) == (False, 2, True)
    assert (await server.get(f"/api/workflows/{workflow_id}?version=3"))[0] == 404
    assert (await server.get(f"/api/workflows/{workflow_id}?version=0"))[0] == 400


async def test_what_is_shown_of_a_definition_can_be_deployed_again(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    _, shown = await server.get(f"/api/workflows/{workflow_id}")

    status, body = await server.call("PUT", "/api/workflows/again", json=shown["definition"])

    assert (status, body["digest"]) == (201, shown["digest"])


async def test_an_undeployed_workflow_takes_no_executions_and_keeps_its_versions(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)

    gone = await server.call("DELETE", f"/api/workflows/{workflow_id}")
    again = await server.call("DELETE", f"/api/workflows/{workflow_id}")

    assert gone[0] == again[0] == 200
    assert await server.post(f"/api/workflows/{workflow_id}/execute") == (
        403,
        {"error": "Workflow is not deployed"},
    )
    assert (await server.get(f"/api/workflows/{workflow_id}/status"))[1] == {
        "isDeployed": False,
        "deployedAt": None,
        "needsRedeployment": False,
    }
    assert (await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": APPROVAL}))[1][
        "version"
    ] == 2


async def versions(server: Server, *says: str) -> str:
    """A workflow with a version for each text that it says; gives its id."""
    first, *others = ({"say": {"type": "response", "data": text}} for text in says)
    workflow_id = await server.deploy(first)
    for blocks in others:
        await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": blocks})
    return workflow_id


async def test_after_a_rollback_executions_run_the_earlier_version(server: Server) -> None:
    workflow_id = await versions(server, "one", "two")

    status, body = await server.post(f"/api/workflows/{workflow_id}/rollback", json={"version": 1})

    assert (status, body["version"]) == (200, 1)
    assert await server.post(f"/api/workflows/{workflow_id}/execute") == (200, "one")
    _, shown = await server.get(f"/api/workflows/{workflow_id}")
    assert (shown["version"], shown["digest"], shown["isDeployed"]) == (1, body["digest"], True)
    _, deployed = await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": APPROVAL})
    assert deployed["version"] == 3


async def test_a_rollback_to_the_active_version_changes_nothing(server: Server) -> None:
    workflow_id = await versions(server, "one", "two")
    back = (f"/api/workflows/{workflow_id}/rollback", {"version": 1})

    first, again = [await server.post(back[0], json=back[1]) for _ in range(2)]

    assert first == again
    assert first[0] == 200


async def test_a_rollback_retried_with_its_key_does_not_undo_what_came_after_it(server: Server) -> None:
    workflow_id = await versions(server, "one", "two")
    path, keyed = f"/api/workflows/{workflow_id}/rollback", {"headers": {"Idempotency-Key": "k"}}
    first = await server.post(path, json={"version": 1}, **keyed)
    await server.post(path, json={"version": 2})

    assert await server.post(path, json={"version": 1}, **keyed) == first
    assert await server.post(f"/api/workflows/{workflow_id}/execute") == (200, "two")


async def test_a_rollback_says_what_it_cannot_do(server: Server) -> None:
    workflow_id = await versions(server, "one")
    path = f"/api/workflows/{workflow_id}/rollback"

    assert await server.post(path, json={"version": 2}) == (404, {"error": "Workflow version not found"})
    assert (await server.post("/api/workflows/nobody/rollback", json={"version": 1}))[0] == 404
    for body, field in (({}, ""), ({"version": 0}, "version"), ({"version": 1, "to": 1}, "")):
        status, told = await server.post(path, json=body)
        assert (status, told["details"][0]["path"] if field else "") == (400, field)


async def test_workflows_are_listed_page_by_page(server: Server) -> None:
    made = {await server.deploy(APPROVAL) for _ in range(3)}
    listed: list[str] = []
    cursor = ""
    async with asyncio.timeout(10):
        while cursor is not None:
            _, page = await server.get(f"/api/workflows?limit=2&cursor={cursor}")
            listed += [each["id"] for each in page["workflows"]]
            cursor = page["nextCursor"]

    assert listed == sorted(set(listed))
    assert made <= set(listed)


async def test_an_unknown_workflow_is_404_everywhere(server: Server) -> None:
    missing = (404, {"error": "Workflow not found"})

    assert await server.get("/api/workflows/nobody") == missing
    assert await server.get("/api/workflows/nobody/status") == missing
    assert await server.get("/api/workflows/nobody/paused") == missing
    assert await server.call("DELETE", "/api/workflows/nobody") == missing
    assert await server.post("/api/workflows/no%00body/execute") == missing
