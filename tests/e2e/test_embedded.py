"""One process, one port, one folder: what it promises, and what becomes of it when it is killed."""

import json
import os
import signal
import socket
import sqlite3
import urllib.request
from pathlib import Path

import pytest
from local_services.kafka import Kafka

from e2e.shell import REPOSITORY, Embedded, eventually

REFUND = "@examples/refund-approval/input.json"
GATE = "@examples/deploy-gate/input.json"
LOOKED_AT = ("database", "clock", "leases", "logs", "secrets", "checkpoints", "configuration")


def committed(server: Embedded, execution_id: str) -> list[bytes]:
    """The bytes of an execution's events in the log's own table, read beside the server."""
    with sqlite3.connect(f"file:{server.data}/signoff.db?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT state FROM stored_events ORDER BY rowid").fetchall()
    states = [row[0] if isinstance(row[0], bytes) else row[0].encode() for row in rows]
    return [state for state in states if json.loads(state).get("executionId") == execution_id]


def streamed(server: Embedded, workflow_id: str, execution_id: str, last: str = "0") -> list[bytes]:
    """The frames of an execution's stream, read with nothing but HTTP."""
    request = urllib.request.Request(
        f"{server.url}/api/workflows/{workflow_id}/executions/{execution_id}/stream",
        headers={"X-API-Key": server.key, "Last-Event-ID": last},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return [line for line in response.read().splitlines() if line]


def test_log_stream_and_command_line_hold_the_very_same_bytes(server: Embedded) -> None:
    run = server.signoff("run", "refund-approval", "--id", "bytes", "--input", REFUND, "--watch")
    server.signoff("resume", "bytes", "--input", '{"approved": true}')

    log = committed(server, "bytes")
    frames = streamed(server, "refund-approval", "bytes")
    watched = server.signoff("watch", "bytes")

    assert [f"id: {number}".encode() for number in range(1, len(log) + 1)] == [
        frame for frame in frames if frame.startswith(b"id: ")
    ]
    assert [b"data: " + event for event in log] + [b"data: [DONE]"] == [
        frame for frame in frames if frame.startswith(b"data: ")
    ]
    assert watched.out.encode().splitlines() == log
    assert log[: len(run.lines)] == run.out.encode().splitlines()


def test_a_server_killed_in_the_middle_of_a_wait_goes_on_and_a_watcher_misses_nothing(
    embedded: Embedded, tmp_path: Path
) -> None:
    shown = tmp_path / "shown"
    embedded.serve("--examples")
    embedded.signoff("run", "deploy-gate", "--id", "release", "--input", GATE, "--async")
    watcher = embedded.start("watch", "release", "--workflow", "deploy-gate", into=shown)
    eventually(lambda: "execution:started" in shown.read_text())
    eventually(lambda: any(b"timer:set" in event for event in committed(embedded, "release")))

    embedded.kill()
    embedded.serve("--examples")
    _, err = watcher.communicate(timeout=40)

    assert watcher.returncode == 4, err
    log = committed(embedded, "release")
    assert shown.read_bytes().splitlines() == log
    events = [json.loads(event) for event in log]
    assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
    completed = [event["data"]["blockId"] for event in events if event["type"] == "block:completed"]
    assert completed == ["start", "bake", "probe"]


def test_everything_is_there_after_a_restart_and_examples_make_no_new_versions(embedded: Embedded) -> None:
    embedded.serve("--examples")
    embedded.signoff("run", "refund-approval", "--id", "kept", "--input", REFUND)
    before = embedded.signoff("watch", "kept").out

    assert embedded.stop() == 0
    embedded.serve("--examples")

    assert embedded.signoff("watch", "kept").out == before
    done = embedded.signoff("resume", "kept", "--input", '{"approved": false}')
    assert done.lines[0]["status"] == "completed"
    started = json.loads(before.splitlines()[0])
    assert started["data"]["workflowVersion"] == 1
    again = embedded.signoff("run", "refund-approval", "--input", '{"amount": 1}', "--watch")
    assert again.lines[0]["data"]["workflowVersion"] == 1


def test_a_server_stops_within_seconds_while_a_stream_is_open(embedded: Embedded, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    embedded.serve("--examples")
    embedded.signoff("run", "refund-approval", "--id", "open", "--input", REFUND)
    watcher = embedded.start("watch", "open", "--workflow", "refund-approval", "--follow", into=shown)
    eventually(lambda: "execution:started" in shown.read_text())

    assert embedded.stop() == 0

    watcher.send_signal(signal.SIGINT)
    watcher.communicate(timeout=10)
    assert watcher.returncode == 130


def test_a_second_server_on_the_same_data_is_told_about_the_first(embedded: Embedded) -> None:
    said = embedded.serve()

    second = embedded.signoff("serve", "--port", "0")

    assert second.code == 3
    assert f"process {said['pid']}" in second.err
    assert second.err.count("\n") == 1


def test_a_port_that_is_taken_is_named(embedded: Embedded) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        refused = embedded.signoff("serve", "--port", str(port))

    assert refused.code == 3
    assert f"cannot listen on 127.0.0.1:{port}" in refused.err
    assert "Traceback" not in refused.err


def test_a_module_of_blocks_that_is_not_there_is_named(embedded: Embedded) -> None:
    refused = embedded.signoff("serve", "--port", "0", "--blocks", "no.such_blocks")

    assert refused.code == 3
    assert refused.err.startswith("signoff: The block module 'no.such_blocks' cannot be imported")
    assert refused.err.count("\n") == 1


def test_the_key_is_readable_by_its_owner_only_and_shown_to_people_only(embedded: Embedded) -> None:
    said = embedded.serve()

    assert (embedded.data / "api-key").stat().st_mode & 0o777 == 0o600
    assert embedded.key not in json.dumps(said)


def test_a_registered_block_of_ones_own_runs(embedded: Embedded, tmp_path: Path) -> None:
    (tmp_path / "shop_blocks.py").write_text(
        "from signoff.blocks import Context, block\n"
        "\n"
        "@block('shop.greet')\n"
        "async def greet(ctx: Context, name: str) -> dict:\n"
        "    return {'text': f'Hello, {name}', 'attempt': ctx.attempt}\n"
    )
    definition = tmp_path / "greet.yaml"
    definition.write_text(
        "workflow: greet\n"
        "input: {name: string}\n"
        "blocks: {greet: {type: shop.greet, with: {name: <start.name>}}}\n"
    )
    embedded.serve("--blocks", "shop_blocks", PYTHONPATH=str(tmp_path))

    deployed = embedded.signoff("deploy", str(definition))
    done = embedded.signoff("run", "greet", "--input", '{"name": "Ada"}')

    assert deployed.lines[0]["version"] == 1
    assert done.lines[0]["output"] == {"text": "Hello, Ada", "attempt": 1}


@pytest.mark.timeout(120)
def test_one_process_works_on_a_real_database_and_a_real_broker(
    embedded: Embedded, empty_database: str, kafka: Kafka
) -> None:
    embedded.environment |= {"SIGNOFF_DATABASE_URL": empty_database, "SIGNOFF_KAFKA": kafka.bootstrap}
    embedded.serve("--examples")

    paused = embedded.signoff("run", "refund-approval", "--id", "real", "--input", REFUND)
    done = embedded.signoff("resume", "real", "--input", '{"approved": true}')
    beside = embedded.signoff("doctor")

    assert (paused.code, done.code, beside.code) == (4, 0, 0)
    assert {line["subject"]: line["ok"] for line in beside.lines} == dict.fromkeys(
        [*LOOKED_AT, "broker"], True
    )
    assert embedded.stop() == 0


def test_doctor_speaks_of_a_stopped_installation(embedded: Embedded) -> None:
    embedded.serve("--examples")
    beside = embedded.signoff("doctor")
    embedded.stop()

    alone = embedded.signoff("doctor")

    assert beside.code == 3
    assert "stop that first" in beside.err
    assert alone.code == 0
    assert {line["subject"]: line["ok"] for line in alone.lines} == dict.fromkeys(LOOKED_AT, True)


def listed_files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_serving_leaves_nothing_outside_of_its_data_folder(embedded: Embedded) -> None:
    before = listed_files(REPOSITORY)

    embedded.serve("--examples")
    embedded.stop()

    assert listed_files(REPOSITORY) == before
    assert os.path.commonpath([embedded.data, *embedded.data.rglob("*")]) == str(embedded.data)
