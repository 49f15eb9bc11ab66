"""Environment values over HTTP: they go in, workflows use them, and they never come out."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.access.errors import SealError
from signoff.access.secrets.environment import KIND, Environments, context_of
from signoff.access.secrets.resealing import reseal
from signoff.access.secrets.sealing import Sealer
from signoff.events.topics import DEFAULT_WORKSPACE
from support.gateways import Server, serving, settings

SECRET = "a-secret-of-the-payment-provider-5f1c"
CALL = {
    "ask": {"type": "function", "code": "return {length: {{PAYMENT_KEY}}.length, key: {{PAYMENT_KEY}}}"},
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(settings(environment={"OWN": "an operator's value"})) as server:
        yield server


async def _set(server: Server, value: str = SECRET, name: str = "PAYMENT_KEY") -> Any:
    return await server.call("PUT", f"/api/environment/{name}", json={"value": value})


async def test_a_value_that_is_set_is_what_its_name_means_in_a_workflow(server: Server) -> None:
    workflow_id = await server.deploy(CALL)
    status, shown = await _set(server)

    _, ran = await server.call("POST", f"/api/workflows/{workflow_id}/execute", json={})

    assert (status, shown["name"], shown["source"]) == (200, "PAYMENT_KEY", "workspace")
    assert ran["output"]["result"]["length"] == len(SECRET)


async def test_another_value_counts_from_the_next_block_on(server: Server) -> None:
    workflow_id = await server.deploy(CALL)
    await _set(server)
    await server.call("POST", f"/api/workflows/{workflow_id}/execute", json={})
    await _set(server, "short")

    _, ran = await server.call("POST", f"/api/workflows/{workflow_id}/execute", json={})

    assert ran["output"]["result"]["length"] == 5


async def test_a_retry_that_comes_late_sets_its_value_for_everybody(server: Server) -> None:
    workflow_id = await server.deploy(CALL)
    once: dict[str, Any] = {"json": {"value": SECRET}, "headers": {"Idempotency-Key": "once"}}
    await server.call("PUT", "/api/environment/PAYMENT_KEY", **once)
    await _set(server, "short")
    await server.call("POST", f"/api/workflows/{workflow_id}/execute", json={})

    await server.call("PUT", "/api/environment/PAYMENT_KEY", **once)
    _, ran = await server.call("POST", f"/api/workflows/{workflow_id}/execute", json={})

    assert ran["output"]["result"]["length"] == len(SECRET)


async def test_a_value_stands_in_no_answer_no_event_no_record(server: Server) -> None:
    workflow_id = await server.deploy(CALL)
    _, put = await _set(server)
    _, listed = await server.get("/api/environment")
    _, one = await server.get("/api/environment/PAYMENT_KEY")
    _, ran = await server.call("POST", f"/api/workflows/{workflow_id}/execute", json={})
    recorded = await server.store.read_all(after=0, limit=1000)
    kept = await server.store.records.list(KIND, DEFAULT_WORKSPACE)

    assert SECRET not in repr((put, listed, one, ran))
    assert ran["output"]["result"]["key"] == "•••"
    assert not [each for each in recorded if SECRET.encode() in each.state]
    assert [each.key for each in kept] == ["PAYMENT_KEY"]
    assert SECRET.encode() not in kept[0].value


async def test_names_are_listed_with_the_operators_own(server: Server) -> None:
    await _set(server)

    _, body = await server.get("/api/environment")

    assert [(each["name"], each["source"]) for each in body["environment"]] == [
        ("OWN", "operator"),
        ("PAYMENT_KEY", "workspace"),
    ]


async def test_a_value_that_is_removed_is_unknown_text_again(server: Server) -> None:
    await _set(server)

    removed = await server.call("DELETE", "/api/environment/PAYMENT_KEY")
    again = await server.call("DELETE", "/api/environment/PAYMENT_KEY")

    assert removed[0] == 204
    assert again == (404, {"error": "Environment value not found"})
    assert await server.store.records.list(KIND, DEFAULT_WORKSPACE) == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("NOT-A-NAME", {"value": "x"}),
        ("1ST", {"value": "x"}),
        ("EMPTY", {"value": ""}),
        ("NUMBER", {"value": 7}),
        ("MORE", {"value": "x", "note": "y"}),
        ("LARGE", {"value": "x" * 32769}),
        ("NONE", {}),
    ],
)
async def test_what_cannot_be_set_is_refused_by_its_name(server: Server, name: str, body: Any) -> None:
    status, answer = await server.call("PUT", f"/api/environment/{name}", json=body)

    assert status == 400
    assert name in ("MORE", "NONE") or answer["details"][0]["path"] in ("name", "value")
    assert await server.store.records.list(KIND, DEFAULT_WORKSPACE) == []


async def test_who_set_a_value_stands_in_the_directorys_log(server: Server) -> None:
    await _set(server)

    [event] = [
        each for each in await server.store.read_all(after=0, limit=100) if b"environment:set" in each.state
    ]

    assert event.topic == "signoff:EnvironmentSet"
    assert b'"actor":{"type":"apiKey","id":"bootstrap"}' in event.state


async def test_values_open_after_the_secret_key_changed_and_are_sealed_anew(server: Server) -> None:
    await _set(server)
    old, new = b"a secret key of 32 characters ...", b"another secret key of 32 characters"
    records, state = server.store.records, server.directory.state
    sealer = Sealer([new, old])

    first = await reseal(state, records, sealer, {KIND: context_of})
    again = await reseal(state, records, sealer, {KIND: context_of})
    environments = Environments({}, server.directory, records, Sealer([new]))

    assert (first.count, again.count) == (1, 0)
    assert (await environments.values(DEFAULT_WORKSPACE))["PAYMENT_KEY"] == SECRET


async def test_a_value_that_does_not_open_keeps_no_other_from_being_sealed_anew(server: Server) -> None:
    await _set(server)
    old, new = b"a secret key of 32 characters ...", b"another secret key of 32 characters"
    records, state = server.store.records, server.directory.state
    lost = context_of(DEFAULT_WORKSPACE, "A_LOST_ONE")
    sealed = Sealer([b"a key that nobody has any more ..."]).seal(b"x", context=lost)
    await records.put(KIND, DEFAULT_WORKSPACE, "A_LOST_ONE", sealed)

    done = await reseal(state, records, Sealer([new, old]), {KIND: context_of})

    assert (done.count, done.unopened) == (1, [lost])


async def test_a_value_does_not_open_without_its_key_or_under_another_name(server: Server) -> None:
    await _set(server)
    [kept] = await server.store.records.list(KIND, DEFAULT_WORKSPACE)
    sealer = Sealer([b"a secret key of 32 characters ..."])
    own = context_of(DEFAULT_WORKSPACE, "PAYMENT_KEY")

    with pytest.raises(SealError, match="another SIGNOFF_SECRET_KEY"):
        Sealer([b"another secret key of 32 characters"]).open(kept.value, context="x")
    with pytest.raises(SealError, match="moved"):
        sealer.open(kept.value, context=context_of(DEFAULT_WORKSPACE, "OTHER_NAME"))
    with pytest.raises(SealError, match="changed"):
        sealer.open(kept.value[:-1] + bytes([kept.value[-1] ^ 1]), context=own)


async def _spoil(server: Server, name: str) -> None:
    """Set a value that was sealed under a key that nobody has any more."""
    await _set(server, name=name)
    context = context_of(DEFAULT_WORKSPACE, name)
    lost = Sealer([b"a key that nobody has any more ..."]).seal(b"x", context=context)
    await server.store.records.put(KIND, DEFAULT_WORKSPACE, name, lost)


async def test_a_value_that_does_not_open_fails_the_block_that_names_it_and_no_other(server: Server) -> None:
    await _spoil(server, "LOST")
    await _set(server)
    good = await server.deploy(CALL)
    bad = await server.deploy({"ask": {"type": "function", "code": "return {{LOST}}"}})

    _, ran = await server.call("POST", f"/api/workflows/{good}/execute", json={})
    _, failed = await server.call("POST", f"/api/workflows/{bad}/execute", json={})

    assert ran["output"]["result"]["length"] == len(SECRET)
    assert failed["success"] is False
    assert "The value of LOST does not open" in failed["error"]


async def test_a_value_that_does_not_open_hides_the_operators_own_of_that_name(server: Server) -> None:
    await _spoil(server, "OWN")
    sealer = Sealer([b"a secret key of 32 characters ..."])
    environments = Environments({"OWN": "an operator's"}, server.directory, server.store.records, sealer)

    values = await environments.values(DEFAULT_WORKSPACE)

    assert list(values) == ["OWN"]
    with pytest.raises(SealError, match="The value of OWN does not open"):
        values.get("OWN")
