"""The load generator, a process of its own: `python -m benchmarks.load`, a job in, a result out, as JSON."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path

import msgspec
import uvloop
from benchmarks.connection import Answer, Connection
from msgspec import Raw, Struct

_REPOSITORY = Path(__file__).resolve().parents[1]
_LIMIT = 300.0


class Post(Struct, frozen=True, kw_only=True):
    """One request.

    Attributes:
        path: of the URL.
        method: of HTTP.
        body: JSON; a GET has none.
        headers: beside those that every request has.
        status: what must be answered.
    """

    path: str
    method: str = "POST"
    body: Raw = Raw(b"{}")
    headers: dict[str, str] = {}
    status: int = 200


class Job(Struct, frozen=True, kw_only=True):
    """What to send, to whom, over how many connections at once.

    Attributes:
        seconds: how long to send the posts, again and again; None: each once.
    """

    host: str
    port: int
    api_key: str
    posts: list[Post]
    clients: int
    seconds: float | None = None


class Result(Struct, frozen=True, kw_only=True):
    """How it went.

    Attributes:
        started_at: when the first request was sent, seconds since the epoch.
        seconds: from then to the last answer.
        cpu: seconds of CPU time that this took the generator meanwhile.
        latencies: seconds from each request to its answer, in the order of the requests.
        own: milliseconds of it that the gateway says it took itself, where it does; in no order.
        answers: the bodies; none where posts were sent again and again.
    """

    started_at: float
    seconds: float
    cpu: float
    latencies: list[float]
    own: list[float]
    answers: list[Raw]


class LoadError(Exception):
    """A request was not answered as it must be."""


def run(job: Job) -> Result:
    """Do the job in a new process.

    Raises:
        LoadError: an answer was another one than expected, or it took more than five minutes.
    """
    command = (sys.executable, "-m", "benchmarks.load")
    try:
        done = subprocess.run(
            command,
            input=msgspec.json.encode(job),
            capture_output=True,
            cwd=_REPOSITORY,
            timeout=_LIMIT + 10,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(str(error)) from error
    if done.returncode != 0:
        raise LoadError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return msgspec.json.decode(done.stdout, type=Result)


async def _work(job: Job) -> Result:
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(Connection, job.host, job.port))[1] for _ in range(job.clients)
    ]
    messages = [message_of(job, post) for post in job.posts]
    latencies: dict[int, float] = {}
    own: list[float] = []
    answers = [Raw()] * (len(messages) if job.seconds is None else 0)
    left = _numbers(job)

    async def client(connection: Connection) -> None:
        for number in left:
            each = number % len(messages)
            sent = time.perf_counter()
            answer = await connection.request(messages[each])
            latencies[number] = time.perf_counter() - sent
            _check(job.posts[each], answer)
            if answer.own is not None:
                own.append(answer.own)
            if answers:
                answers[number] = Raw(answer.body)

    started_at, start, cpu = time.time(), time.perf_counter(), time.process_time()
    async with asyncio.timeout(_LIMIT), asyncio.TaskGroup() as clients:
        for connection in connections:
            clients.create_task(client(connection))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    for connection in connections:
        connection.close()
    return Result(
        started_at=started_at,
        seconds=seconds,
        cpu=cpu,
        latencies=[latencies[number] for number in sorted(latencies)],
        own=own,
        answers=answers,
    )


def _numbers(job: Job) -> Iterator[int]:
    """The numbers of the requests to send."""
    if job.seconds is None:
        return iter(range(len(job.posts)))
    end = time.monotonic() + job.seconds
    return takewhile(lambda _: time.monotonic() < end, count())


def message_of(job: Job, post: Post) -> bytes:
    """The bytes of a request."""
    body = b"" if post.method == "GET" else bytes(post.body)
    headers = {
        "Host": f"{job.host}:{job.port}",
        "X-API-Key": job.api_key,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **post.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{post.method} {post.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def _check(post: Post, answer: Answer) -> None:
    # Parsed later, outside the measured time: a failed run has this very text in its answer.
    if answer.status != post.status or b'"success":false' in answer.body:
        text = answer.body[:500].decode(errors="replace")
        raise LoadError(f"{post.path} answered {answer.status}: {text}")


def _reasons(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _reasons(each)
    else:
        yield f"{type(error).__name__}: {error}"


def main() -> int:
    """Read a job from standard input, and write its result to standard output."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        result = uvloop.run(_work(job))
    except (ExceptionGroup, LoadError, OSError, TimeoutError) as error:
        print(next(_reasons(error)), file=sys.stderr)
        return 1
    # Not sys.stdout.buffer: with PYTHONUNBUFFERED it may write only a part.
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:
        output.write(msgspec.json.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
