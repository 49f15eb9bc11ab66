"""What `python -m benchmarks` measures, by its command line. See docs/benchmarks.md."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from benchmarks import (
    accesses,
    containers,
    directory,
    export,
    gateway,
    graph,
    inbox_queries,
    inprocess,
    latency,
    life,
    overload,
    pages,
    parked,
    recovery,
    relay,
    resumes,
    steps,
    streams,
    verify,
)
from benchmarks.clustered import Clustered
from benchmarks.embedded import Embedded
from benchmarks.figures import Figure, table
from benchmarks.load import LoadError
from benchmarks.machine import describe
from benchmarks.replicated import Replicated
from benchmarks.requests import deploy
from benchmarks.systems import ENVIRONMENT, System
from benchmarks.targets import TARGETS
from local_services.kafka import Kafka
from local_services.ports import unused_port
from local_services.postgres import Postgres
from local_services.service import LocalService
from local_services.waiting import LocalServicesError

from support.processes import LocalRun

_PARTS = ("steps", "latency", "resumes", "parked")
_MORE = ("gateway", "overload")
_IN_PROCESS = {
    "executor": inprocess.measure,
    "containers": containers.measure,
    "accesses": accesses.measure,
    "directory": directory.measure,
    "export": export.measure,
    "graph": graph.measure,
    "inbox": inbox_queries.measure,
    "life": life.measure,
    "pages": pages.measure,
    "relay": relay.measure,
    "streams": streams.measure,
    "verify": verify.measure,
}
_RECOVERY = "recovery"
_ALONE = (*_IN_PROCESS, _RECOVERY)
_PRIVATE = "private"
_SHARED = frozenset({"relay", "streams"})
"""Parts that measure a service which shares database and broker with others."""

_ROUNDS = 3
_Service = TypeVar("_Service", bound=LocalService)


def main() -> int:
    """Measure what the command line asks for; gives the exit code, 1 when something failed."""
    options = _options()
    _use_own_settings(gateway.LIMITS if options.limited else {})
    run = LocalRun()  # whatever happens to us, no server outlives us
    try:
        print(describe(run.folder), flush=True)
        if options.part and options.part[0] in _IN_PROCESS:
            with _servers(run.folder, options) as load:
                _IN_PROCESS[options.part[0]](load)
        elif options.part == [_RECOVERY]:
            _recover(run.folder, options)
        else:
            _measure(run.folder, options)
    except (LocalServicesError, LoadError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    finally:
        run.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure Signoff; see docs/benchmarks.md."
    )
    parser.add_argument(
        "part",
        nargs="*",
        default=[*_PARTS],
        help=f"{', '.join(_PARTS)}: all by default; {', '.join(_MORE)}; or {', '.join(_ALONE)}",
    )
    parser.add_argument("--embedded", action="store_true", help="measure only the embedded server")
    parser.add_argument("--cluster", action="store_true", help="measure only the cluster")
    parser.add_argument(
        "--executions", type=_count, default=2_000, metavar="N", help="in each round of steps"
    )
    parser.add_argument("--parked", type=_count, default=20_000, metavar="N", help="how many executions wait")
    parser.add_argument(
        "--resumed", type=_count, default=1_000, metavar="N", help="executions in each round of resumes"
    )
    parser.add_argument(
        "--waiting", type=_count, default=0, metavar="N", help="executions that wait beside those, once more"
    )
    own = parser.add_argument_group("gateway and overload")
    own.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        metavar="N",
        help="for which each kind of request, or each load, is sent",
    )
    own.add_argument("--limited", action="store_true", help="count requests against rates that none reaches")
    executor = parser.add_argument_group("executor: the executor alone, in this process")
    executor.add_argument("--profile", action="store_true", help="show where the time goes")
    executor.add_argument(
        "--clients", type=_count, default=64, metavar="N", help="executions under way at once"
    )
    executor.add_argument(
        "--postgres",
        nargs="?",
        const=_PRIVATE,
        metavar="URL",
        help="an empty database; a private one by default",
    )
    executor.add_argument(
        "--kafka", nargs="?", const=_PRIVATE, metavar="HOST:PORT", help="a broker, or a private one"
    )
    recovered = parser.add_argument_group("recovery: executors, databases and callers after a fault")
    recovered.add_argument(
        "--runs", type=_count, default=20, metavar="N", help="how often an executor is killed in each manner"
    )
    inbox = parser.add_argument_group("inbox and pages: over many pause points, or executions")
    inbox.add_argument("--points", type=_count, metavar="N", help="how many of them there are")
    return parser


def _options() -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args()
    alone = len(options.part) == 1 and options.part[0] in _ALONE
    together = (*_PARTS, *_MORE)
    if not alone and not set(options.part) <= set(together):
        parser.error(
            f"there are the parts {', '.join(together)}, together or alone, and {', '.join(_ALONE)}, alone"
        )
    return options


def _count(text: str) -> int:
    number = int(text)
    if number < 2:
        raise ValueError(text)
    return number


def _use_own_settings(further: Mapping[str, str]) -> None:
    """What the caller's environment says about a server of theirs must not reach ours."""
    for name in [name for name in os.environ if name.startswith("SIGNOFF_")]:
        del os.environ[name]
    os.environ.update({**ENVIRONMENT, **further})


def _measure(folder: Path, options: argparse.Namespace) -> None:
    both = options.embedded == options.cluster
    systems: list[System] = []
    if both or options.embedded:
        systems.append(Embedded(folder / "embedded"))
    if both or options.cluster:
        systems.append(Clustered(folder / "cluster"))
    figures: dict[str, list[Figure]] = {}
    try:
        for system in systems:
            figures[system.name] = []
            figures[system.name].extend(_figures(system, options))
    finally:
        print("\n".join(table(figures)))  # after a failure, what there is until then


def _figures(system: System, options: argparse.Namespace) -> Iterator[Figure]:
    targets = TARGETS[system.name]
    try:
        system.start()
        deploy(system)
        if "steps" in options.part:
            yield from steps.measure(system, targets, executions=options.executions)
        if "latency" in options.part:
            yield from latency.measure(system, targets)
        if "resumes" in options.part:
            yield from resumes.measure(system, targets, executions=options.resumed, waiting=options.waiting)
        if "parked" in options.part:
            yield from parked.measure(system, targets, executions=options.parked)
        if "gateway" in options.part:
            yield from gateway.measure(system, targets, seconds=options.seconds)
        if "overload" in options.part:
            yield from overload.measure(system, seconds=options.seconds)
    finally:
        system.stop()


def _recover(folder: Path, options: argparse.Namespace) -> None:
    system = Replicated(folder / "cluster")
    figures: list[Figure] = []
    try:
        system.start()
        deploy(system)
        figures.extend(recovery.measure(system, runs=options.runs))
    finally:
        print("\n".join(table({system.name: figures})))  # after a failure, what there is until then
        system.stop()


@contextmanager
def _servers(folder: Path, options: argparse.Namespace) -> Iterator[inprocess.Load]:
    """The load for the executor, with private servers where the command line names none."""
    with ExitStack() as servers:
        database, kafka = options.postgres, options.kafka
        if options.part[0] in _SHARED:
            database, kafka = database or _PRIVATE, kafka or _PRIVATE
        if database == _PRIVATE:
            postgres = Postgres(folder, port=unused_port())
            database = _started(postgres, servers).create_database("signoff")
        if kafka == _PRIVATE:
            port = unused_port()
            broker = Kafka(folder, port=port, controller_port=unused_port(taken={port}))
            kafka = _started(broker, servers).bootstrap
        yield inprocess.Load(
            executions=options.executions,
            clients=options.clients,
            rounds=_ROUNDS,
            folder=folder,
            database=database,
            kafka=kafka,
            profile=options.profile,
            points=options.points,
        )


def _started(service: _Service, servers: ExitStack) -> _Service:
    service.start()
    servers.callback(service.stop)
    return service
