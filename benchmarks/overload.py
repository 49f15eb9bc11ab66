"""What happens to those who are served when five times as much comes as can be served (docs/limits.md)."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from benchmarks.figures import Figure, Target, percentile
from benchmarks.load import LoadError
from benchmarks.load import run as run_closed
from benchmarks.open_loop import Asked, Caller, Job, Stage, run
from benchmarks.requests import everybody_knows, execute, workspace_key
from benchmarks.systems import System
from benchmarks.workflows import DOCUMENTS, ONE
from msgspec import Struct, structs

_CLIENTS: Final = 32
_WARM_UP: Final = 10.0
_QUIET, _FULL, _OVER, _AFTER = range(4)
_LOADS: Final = {_QUIET: 0.8, _FULL: 1.0, _OVER: 5.0, _AFTER: 0.5}
_SMALL_RATE: Final = 5.0
_OK: Final = 200


class _Workspace(Struct):
    id: str


class _Key(Struct):
    key: str


class _Peaks(threading.Thread):
    """The most memory that each process had, looked at twice a second until it is stopped."""

    def __init__(self, system: System) -> None:
        super().__init__(daemon=True)
        self._system = system
        self._over = threading.Event()
        self.bytes: Counter[str] = Counter()

    def run(self) -> None:
        while not self._over.wait(0.5):
            for name, usage in self._system.usages(self._system.ours).items():
                self.bytes[name] = max(self.bytes[name], usage.memory)

    def stop(self) -> None:
        self._over.set()
        self.join()


def measure(system: System, *, seconds: float) -> Iterator[Figure]:
    """Find the capacity with callers that wait, then send less, as much, five times as much, and half.

    A second workspace sends a few requests a second all the time.

    Args:
        system: has the measured workflows.
        seconds: of each load.
    """
    small = _small_workspace(system)
    system.api_key = workspace_key(system)
    _closed(system, _WARM_UP)
    capacity = _closed(system, seconds)
    callers = [
        Caller("greedy", system.api_key, execute(ONE).path, _stages(capacity, seconds)),
        Caller("small", small, execute(ONE).path, [Stage(_SMALL_RATE, seconds)] * len(_LOADS)),
    ]
    peaks = _Peaks(system)
    peaks.start()
    result = run(Job("127.0.0.1", system.port, callers))
    peaks.stop()
    print(f"{system.name}: load generator {result.cpu / seconds / len(_LOADS):.0%} of one core", flush=True)
    yield Figure("capacity", capacity, "/s", None, f"{_CLIENTS} callers that wait")
    quiet = _of(result.asked, _QUIET, "greedy")
    for stage in _LOADS:
        yield from _served(stage, _of(result.asked, stage, "greedy"), quiet, capacity, seconds)
    over = _of(result.asked, _OVER, "greedy")
    yield from _refused(over)
    yield _share(_of(result.asked, _OVER, "small"))
    yield _recovery(_of(result.asked, _AFTER, "greedy"), quiet, began=seconds * _AFTER)
    for name, peak in peaks.bytes.items():
        yield Figure(f"memory, {name}", peak / 2**20, "MiB", None, "the most")


def _stages(capacity: float, seconds: float) -> list[Stage]:
    return [Stage(load * capacity, seconds) for load in _LOADS.values()]


def _closed(system: System, seconds: float) -> float:
    job = structs.replace(system.job([execute(ONE)], clients=_CLIENTS), seconds=seconds)
    result = run_closed(job)
    return len(result.latencies) / result.seconds


def _small_workspace(system: System) -> str:
    """A workspace of its own with the measured workflow; gives a key of it."""
    workspace = msgspec.json.decode(
        _do(system, "POST", "/api/workspaces", b'{"name":"small"}'), type=_Workspace
    )
    within = {"X-Workspace-Id": workspace.id}
    everybody_knows(system, {"X-API-Key": system.api_key, **within})
    _do(system, "PUT", f"/api/workflows/{ONE}", msgspec.json.encode(DOCUMENTS[ONE]), within)
    made = _do(system, "POST", "/api/keys", b'{"name":"benchmark","roles":["write"]}', within)
    key = msgspec.json.decode(made, type=_Key).key
    everybody_knows(system, {"X-API-Key": key})
    return key


def _do(system: System, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    status, answer = system.request(method, path, body, headers)
    if status not in (200, 201):
        raise LoadError(f"{path} answered {status}: {answer.decode(errors='replace')}")
    return answer


def _of(asked: Sequence[Asked], stage: int, caller: str) -> list[Asked]:
    return [each for each in asked if each.stage == stage and each.caller == caller]


def _latency(asked: Sequence[Asked], percent: int) -> float:
    return percentile([each.seconds for each in asked if each.status == _OK] or [0.0], percent)


def _served(
    stage: int, asked: Sequence[Asked], quiet: Sequence[Asked], capacity: float, seconds: float
) -> Iterator[Figure]:
    served = sum(each.status == _OK for each in asked) / seconds
    load = _LOADS[stage]
    note = f"{len(asked) / seconds:,.0f}/s came, {served:,.0f}/s were served"
    good = Target(90.0, least=True) if load == 5.0 else None
    yield Figure(f"{load:g} × capacity: served of it", 100 * served / capacity, "%", good, note)
    for percent in (50, 99):
        value = _latency(asked, percent)
        usual = 2e3 * _latency(quiet, percent)
        target = Target(usual) if load == 5.0 else None
        yield Figure(f"  p{percent} of those served", 1e3 * value, "ms", target)


def _refused(asked: Sequence[Asked]) -> Iterator[Figure]:
    for status, count in sorted(Counter(each.status for each in asked if each.status != _OK).items()):
        waits = [each.retry_after for each in asked if each.status == status and each.retry_after]
        note = (
            "" if not waits else f"Retry-After p50 {percentile(waits, 50):g}, p99 {percentile(waits, 99):g}"
        )
        took = percentile([each.seconds for each in asked if each.status == status], 50)
        name = f"  answered {status}" if status else "  not sent: no connection was free"
        yield Figure(name, count, "", None, f"{note}; in {took * 1e3:.1f} ms" if status else "")


def _share(asked: Sequence[Asked]) -> Figure:
    served = [each for each in asked if each.status == _OK]
    note = f"{len(served)} of {len(asked)}, p99 {_latency(asked, 99) * 1e3:.0f} ms"
    return Figure(
        "  a small workspace is served", 100 * len(served) / len(asked), "%", Target(99.0, True), note
    )


def _recovery(asked: Sequence[Asked], quiet: Sequence[Asked], *, began: float) -> Figure:
    usual = 2 * _latency(quiet, 99)
    bad = [each.at for each in asked if each.status != _OK or each.seconds > usual]
    refused = [each.at for each in asked if each.status != _OK]
    note = f"the last refusal after {max(refused, default=began) - began:.2f} s"
    late = [at for at in bad if at < began + 5.0]
    return Figure(
        "until as usual after the load fell", max(late, default=began) - began, "s", Target(1.0), note
    )
