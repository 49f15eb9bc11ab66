"""The worker process (`python -m` this module): jobs come on stdin, answers go to stdout."""

import sys
from typing import BinaryIO

from signoff.executor.sandbox.limits import Confinement
from signoff.executor.sandbox.machine import run
from signoff.executor.sandbox.wire import LENGTH_BYTES, Answer, Failed, Ready, decode_job, frame


def main() -> None:
    """Serve one job after the other until stdin ends."""
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    confinement = Confinement(jobs.fileno())
    _send(answers, Ready())
    while length := jobs.read(LENGTH_BYTES):
        job = decode_job(jobs.read(int.from_bytes(length, "big")))
        confinement.fit(job)
        try:
            answer: Answer = run(job)
        except MemoryError:
            answer = Failed(reason="memory", message="", line=None, stdout="")
        _send(answers, answer)


def _send(answers: BinaryIO, answer: Answer) -> None:
    answers.write(frame(answer))
    answers.flush()


if __name__ == "__main__":
    main()
