import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp import web

from signoff.notify.confinement import ConfinedError, Confinement, confined
from signoff.runtime.guard import AddressRefusedError, parse_networks
from support.notices import LOOPBACK, notice


@pytest.fixture
def in_thread():
    """Runs a function in a thread that is confined."""
    with ThreadPoolExecutor(1) as threads:

        def run(function, networks=LOOPBACK, confinement=None):
            def call():
                with confined(confinement or Confinement(networks)):
                    return function()

            return threads.submit(call).result(10)

        yield run


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


def connect(address):
    with socket.create_connection(address, timeout=5):
        pass


def test_an_allowed_address_is_connected_to(in_thread, listener):
    in_thread(lambda: connect(listener))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_address_is_refused_by_the_guard_of_api_blocks(in_thread, listener, host):
    with pytest.raises(AddressRefusedError, match="SIGNOFF_ALLOW_PRIVATE_NETWORKS"):
        in_thread(lambda: connect((host, listener[1])), networks=parse_networks("10.0.0.0/8"))


def test_a_socket_that_is_connected_by_hand_is_refused_as_well(in_thread, listener):
    def by_hand():
        with socket.socket() as own:
            own.connect_ex(listener)

    with pytest.raises(AddressRefusedError):
        in_thread(by_hand, networks=())


def test_a_name_that_a_socket_looks_up_by_itself_is_refused(in_thread, listener):
    def by_name():
        with socket.socket() as own:
            own.connect(("localhost", listener[1]))

    with pytest.raises(ConfinedError, match="not looked up"):
        in_thread(by_name)


def test_the_reason_of_a_refusal_is_kept(in_thread, listener):
    confinement = Confinement(())

    with pytest.raises(AddressRefusedError):
        in_thread(lambda: connect(listener), confinement=confinement)

    assert confinement.refusal.startswith("Address 127.0.0.1 is not public")


def test_nothing_is_connected_to_any_more_when_its_time_is_over(in_thread, listener):
    confinement = Confinement(LOOPBACK)
    confinement.end()

    with pytest.raises(ConfinedError, match="over"):
        in_thread(lambda: connect(listener), confinement=confinement)


def unix_socket():
    with socket.socket(socket.AF_UNIX) as own:
        own.connect("/var/run/docker.sock")


def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.sendto(b"x", ("127.0.0.1", 9))


def thread():
    threading.Thread(target=print).start()


THREADS = [thread] if sys.version_info >= (3, 12) else []  # Python 3.11 tells nobody of a thread


@pytest.mark.parametrize(
    "function",
    [
        unix_socket,
        datagram,
        lambda: Path("/etc/passwd").read_text(encoding="utf-8"),
        lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
        lambda: Path(os.__file__).with_name("own.txt").write_text("x", encoding="utf-8"),
        lambda: subprocess.run(["true"], check=True),
        lambda: os.system("true"),
        *THREADS,
    ],
)
def test_files_processes_and_this_machine_are_out_of_reach(in_thread, function):
    with pytest.raises(ConfinedError, match="Notifications"):
        in_thread(function)


def test_modules_are_imported_as_ever(in_thread):
    assert in_thread(lambda: Path(os.__file__).read_text(encoding="utf-8"))


def test_a_thread_is_free_again_afterwards_and_others_always_were(in_thread, listener):
    in_thread(lambda: None, networks=())

    connect(listener)
    in_thread(lambda: None)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(connect, listener).result(5)


async def test_a_proxy_of_the_environment_is_not_taken(new_notifier, receiver, monkeypatch):
    proxy = receiver.url("/").rstrip("/")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")

    sent = await new_notifier().send(notice("json://example.com/"))

    assert "NO_PROXY" in sent.error
    assert receiver.received == []


async def test_a_host_that_no_proxy_is_for_is_reached(new_notifier, receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.2:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    sent = await new_notifier().send(notice(receiver.url().replace("http:", "json:")))

    assert sent.success


async def test_passwords_of_the_machines_netrc_are_not_sent(new_notifier, receiver, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password canary\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    receiver.answer = lambda _: web.Response(status=503)

    sent = await new_notifier().send(notice(receiver.url().replace("http:", "json:")))

    assert sent.error == "it answered 503"
    assert "Authorization" not in receiver.received[0].headers


async def test_an_address_that_changes_after_it_was_checked_is_refused(new_notifier, receiver, monkeypatch):
    """A name server that answers with a public address first, and then with one of ours."""
    port = int(receiver.url().rsplit(":", 1)[1].split("/")[0])
    answers = iter(["93.184.215.14"])
    real = socket.getaddrinfo

    def rebound(host, asked_port, *rest, **settings):
        if host != "rebound.example":
            return real(host, asked_port, *rest, **settings)
        address = next(answers, "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    socket.getaddrinfo("rebound.example", port)

    sent = await new_notifier(networks=()).send(notice(f"json://rebound.example:{port}/"))

    assert "Address 127.0.0.1 is not public" in sent.error
    assert receiver.received == []
