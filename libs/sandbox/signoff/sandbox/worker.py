"""The worker process from within: requests come on stdin, answers go to stdout.

A worker serves one language and is started with its module (`python -m signoff.sandbox.javascript`).
"""

import sys
from collections.abc import Callable
from typing import BinaryIO, Protocol

from signoff.sandbox.limits import Confinement, give_way
from signoff.sandbox.wire import (
    LENGTH_BYTES,
    Answer,
    Check,
    Checked,
    Done,
    Failed,
    Job,
    Ready,
    Request,
    decode_request,
    frame,
)


class Machine(Protocol):
    """Runs and checks programs of one language, one at a time. A program's fault is an answer here."""

    def run(self, job: Job) -> Done | Failed:
        """Run one program under its limits and say how it ended.

        Raises:
            MemoryError: the process, not only the program, has no memory left.
        """
        ...

    def check(self, check: Check) -> Checked | Failed:
        """Find what is wrong with a text without running it.

        Raises:
            MemoryError: the process has no memory left.
        """
        ...


def serve(make: Callable[[], Machine]) -> None:
    """Be a worker: serve one request after the other until stdin ends or the machine is spent.

    Args:
        make: starts the machine; afterwards this process is locked in.
    """
    give_way()
    machine = make()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    confinement = Confinement(requests.fileno())
    _send(answers, Ready())
    while length := requests.read(LENGTH_BYTES):
        request = decode_request(requests.read(int.from_bytes(length, "big")))
        confinement.fit(request)
        answer = _answer(machine, request)
        _send(answers, answer)
        if isinstance(answer, Failed) and answer.spent:
            return


def _answer(machine: Machine, request: Request) -> Answer:
    try:
        return machine.run(request) if isinstance(request, Job) else machine.check(request)
    except MemoryError:
        return Failed("memory")


def _send(answers: BinaryIO, answer: Answer) -> None:
    answers.write(frame(answer))
    answers.flush()
