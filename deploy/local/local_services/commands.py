"""The command line of `deploy/local/cluster`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .cluster import KINDS, Cluster
from .kafka import fetch_kafka
from .service import LocalService
from .waiting import LocalServicesError

_REPOSITORY = Path(__file__).resolve().parents[3]
_STORES = ("postgres", "kafka", "haproxy")
_LOG_BYTES = 16_384
_SCRIPT = "deploy/local/cluster"


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says.

    Args:
        arguments: What follows the program's name.

    Returns:
        The exit code: 0 done, 1 failed or (for `status`) not all running, 2 the command line is wrong.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    cluster = Cluster(options.folder.resolve(), _REPOSITORY / ".venv" / "bin" / "signoff")
    command: Callable[[Cluster, argparse.Namespace], int] = options.command
    try:
        return command(cluster, options)
    except LocalServicesError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cluster",
        description="Kafka, PostgreSQL, two gateways, executors and streams, and HAProxy in front, as "
        "processes on loopback. NAME is gateway, executor or stream, with N 1 or 2; postgres, kafka, haproxy",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=_REPOSITORY / ".cluster",
        help="where data, logs and settings lie (default: .cluster of the repository)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("up", help="start what does not run, and wait until it is ready").set_defaults(
        command=_up
    )
    down = commands.add_parser("down", help="stop what `up` started, and nothing else")
    down.add_argument("--wipe", action="store_true", help="remove all data, too")
    down.set_defaults(command=_down)
    commands.add_parser("status", help="say what runs; exit code 1 if not all does").set_defaults(
        command=_status
    )
    commands.add_parser(
        "roll", help="restart the Signoff services one after the other; callers do not notice"
    ).set_defaults(command=_roll)
    commands.add_parser("fetch", help="fetch Kafka now, so that `up` need not").set_defaults(command=_fetch)
    for name, action, help_text in (
        ("start", _start, "start one process and wait until it is ready"),
        ("stop", _stop, "ask one process to end, and wait"),
        ("kill", _kill, "end one process as a crash would (kill -9)"),
        ("logs", _logs, "print the end of one process' log"),
    ):
        command = commands.add_parser(name, help=help_text)
        command.add_argument(
            "name", metavar="NAME", choices=(*KINDS, *_STORES), help=", ".join((*KINDS, *_STORES))
        )
        command.add_argument(
            "number", metavar="N", nargs="?", type=int, help="which gateway, executor or stream"
        )
        command.set_defaults(command=action)
    return parser


def _up(cluster: Cluster, _options: argparse.Namespace) -> int:
    with cluster.alone():
        started = cluster.up()
    print(f"Started {', '.join(started)}." if started else "All of it was running already; nothing changed.")
    print(f"\n  {cluster.url}\n  For a shell, with the API key: set -a; . {cluster.env_file}; set +a\n")
    _print_table(cluster)
    print(f"\nLogs: {_SCRIPT} logs executor 1   A fault: {_SCRIPT} kill executor 1   Stop: {_SCRIPT} down")
    return 0


def _down(cluster: Cluster, options: argparse.Namespace) -> int:
    if not cluster.folder.exists():
        print("Nothing was running.")
        return 0
    with cluster.alone():
        stopped = cluster.down(wipe=options.wipe)
    print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _status(cluster: Cluster, _options: argparse.Namespace) -> int:
    _print_table(cluster)
    return 0 if all(service.running and service.answers() for service in cluster.services.values()) else 1


def _roll(cluster: Cluster, _options: argparse.Namespace) -> int:
    with cluster.alone():
        restarted = cluster.roll()
    print(f"Restarted {', '.join(restarted)}.")
    return 0


def _fetch(_cluster: Cluster, _options: argparse.Namespace) -> int:
    print(f"Kafka is in {fetch_kafka()}.")
    return 0


def _start(cluster: Cluster, options: argparse.Namespace) -> int:
    service = _chosen(cluster, options)
    with cluster.alone():
        if not service.running:
            service.start()
    print(_describe(service))
    return 0


def _stop(cluster: Cluster, options: argparse.Namespace) -> int:
    service = _chosen(cluster, options)
    with cluster.alone():
        service.stop()
    print(_describe(service))
    return 0


def _kill(cluster: Cluster, options: argparse.Namespace) -> int:
    service = _chosen(cluster, options)
    with cluster.alone():
        if not service.running:
            raise LocalServicesError(f"{service.name} does not run, so there is nothing to kill")
        service.kill()
    print(_describe(service))
    return 0


def _logs(cluster: Cluster, options: argparse.Namespace) -> int:
    process = _chosen(cluster, options).process
    print(f"{process.log}:\n{process.last_words(_LOG_BYTES)}", end="")
    return 0


def _chosen(cluster: Cluster, options: argparse.Namespace) -> LocalService:
    name = options.name if options.number is None else f"{options.name}-{options.number}"
    services = cluster.services
    if name not in services:
        raise LocalServicesError(f"there is no {name}: choose one of {', '.join(services)}".replace("-", " "))
    return services[name]


def _print_table(cluster: Cluster) -> None:
    print(f"  {'NAME':<12} {'PID':>8}  {'ADDRESS':<16} STATE")
    for service in cluster.services.values():
        running = service.process.identity
        state = "stopped" if running is None else "ready" if service.answers() else "running, not ready"
        print(
            f"  {service.name:<12} {running.pid if running else '-':>8}  127.0.0.1:{service.port:<6} {state}"
        )


def _describe(service: LocalService) -> str:
    running = service.process.identity
    return (
        f"{service.name} is stopped." if running is None else f"{service.name} is ready (pid {running.pid})."
    )
