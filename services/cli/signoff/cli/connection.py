"""Which server a command talks to, with which key, and what its errors become."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.moments import moment
from signoff.client import (
    DEFAULT_URL,
    AsyncClient,
    Client,
    ClientError,
    ConfigurationError,
    ConflictError,
    Detail,
    NotAllowedError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
    UnreachableError,
    Winner,
)

KEY_FILE: Final = "api-key"
"""In the data folder of an embedded server: its key, for commands on the same machine."""

T = TypeVar("T")

_ADVICE: Final[Mapping[str, str]] = {
    "Access denied": "`signoff whoami` shows what this key may do; use one whose roles allow it",
    "Workflow not found": "look with `signoff workflows list`",
    "Execution not found": "look with `signoff executions list`",
    "Workflow version not found": "look with `signoff workflows versions`",
    "API key not found": "look with `signoff keys list`",
    "This key is a workspace's: it has no user": "set SIGNOFF_API_KEY to a key of your own",
    "Session not found: it has ended": "look with `signoff account sessions`",
    "User not found": "look with `signoff users list`",
    "Webhook not found": "look with `signoff hooks list`",
    "Schedule not found": "look with `signoff schedules list`",
    "Environment value not found": "look with `signoff env list`",
    "Workspace not found": "look with `signoff workspaces list`",
    "Pause context not found": "look with `signoff inbox list --scope all`",
    "Pause point not found for execution": "look with `signoff executions show`",
    "Link not found": "look with `signoff links list`",
    "Workflow is not deployed": "deploy it, or let an earlier version run with `signoff rollback`",
}
"""What to do about some of the server's refusals, by its words."""


def with_client(work: Callable[[AsyncClient], Awaitable[T]]) -> T:
    """Do something with the server that the environment names, in the workspace that it names.

    Raises:
        CommandError: the server refused, or cannot be reached.
    """

    async def run(url: str, key: str | None, workspace: str | None) -> T:
        async with AsyncClient(url, key, workspace) as client:
            return await work(client)

    with _environment() as (url, key, workspace):
        return asyncio.run(run(url, key, workspace))


def with_blocking_client(work: Callable[[Client], T]) -> T:
    """The same, where a person is asked in between: Ctrl-C ends the waiting for them at once.

    Raises:
        CommandError: the server refused, or cannot be reached.
    """
    with _environment() as (url, key, workspace), Client(url, key, workspace) as client:
        return work(client)


@contextmanager
def _environment() -> Iterator[tuple[str, str | None, str | None]]:
    """The server, the key and the workspace; what the client raises is explained to people."""
    url, workspace = server_url(os.environ), find_workspace(os.environ)
    key = find_key(url, os.environ)
    try:
        yield url, key, workspace
    except ClientError as error:
        raise explain(error, key=key) from error


def server_url(environment: Mapping[str, str]) -> str:
    """The server that commands talk to."""
    return environment.get("SIGNOFF_URL") or DEFAULT_URL


def find_workspace(environment: Mapping[str, str]) -> str | None:
    """The workspace to act in; without one the server takes the key's own, or the first of its user."""
    return environment.get("SIGNOFF_WORKSPACE") or None


def find_key(url: str, environment: Mapping[str, str]) -> str | None:
    """The key to act with: ``SIGNOFF_API_KEY``, or what an embedded server here left in its data folder."""
    key = environment.get("SIGNOFF_API_KEY") or environment.get("SIGNOFF_BOOTSTRAP_API_KEY")
    if key or not _is_here(url):
        return key
    file = Path(environment.get("SIGNOFF_DATA") or ".signoff") / KEY_FILE
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read ({error}): set SIGNOFF_API_KEY") from error


def _is_here(url: str) -> bool:
    """Whether the URL leads to this machine: its key is shown to nobody else."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_said(detail: Detail, message: str) -> bool:
    """Whether a refusal's sentence tells its only fault already."""
    return message in (f"{detail.path} {detail.message}", str(detail))


def _told_of(winner: Winner) -> str:
    """Who was first, as far as that may be known."""
    by = winner.by or {}
    who = f" by {by.get('name') or by['id']}" if "id" in by else ""
    when = f" at {moment(winner.at)}" if winner.at else ""
    return f": that was event {winner.event_id}{who}{when}"


def explain(error: ClientError, *, key: str | None) -> CommandError:
    """What a person at the command line is told about an error of the client."""
    details: tuple[str, ...] = ()
    match error:
        case ConfigurationError():  # an address, a name or a file that cannot be: nothing was sent
            return CommandError(str(error))
        case TimedOutError():
            message = str(error)
        case UnreachableError():
            message = f"{error}: start a server with `signoff serve`, or set SIGNOFF_URL"
        case UnavailableError(unknown=True):
            message = (
                f"{error.message}; it may have been recorded as {error.execution_id}: "
                "look with `signoff watch`"
            )
        case RateLimitedError():
            message = (
                f"{error.message.rstrip('.')}: try again in {error.retry_after:g} s; "
                "`signoff limits` tells how often this key may ask"
            )
        case UnavailableError():
            message = f"{error.message}: try again in {error.retry_after:g} s"
        case NotAllowedError():
            message = f"you may not decide this: {error.message}"
        case ConflictError(winner=Winner() as winner):
            message = f"the server refused: {error.message}{_told_of(winner)}"
        case RefusedError(status=401) if key is None:
            message = "the server wants a key: set SIGNOFF_API_KEY, or SIGNOFF_DATA to its data folder"
        case RefusedError(status=401):
            message = (
                f"the server does not know this key ({error.message}): "
                "set SIGNOFF_API_KEY to one that it knows"
            )
        case RefusedError():
            advice = _ADVICE.get(error.message)
            message = f"the server refused: {error.message}{f': {advice}' if advice else ''}"
            details = tuple(str(each) for each in error.details if not _is_said(each, error.message))
        case _:
            message = str(error)
    return CommandError(message, code=Exit.REFUSED, details=details)
