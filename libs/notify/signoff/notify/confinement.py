"""What a thread may touch while it runs a library that opens its own sockets.

Apprise's services call ``requests`` and ``smtplib``, which look names up and connect by themselves. So the
check stands below them, in a hook of Python's audit events (PEP 578): the interpreter calls it before any
socket connects, with the very address, before a file is opened and before a process begins (from Python 3.12
on also a thread, which would not be confined). What it refuses does not happen, whichever library asked, and
the hook cannot be removed. It acts in confined threads only; others pay for the look-up of one name.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from errno import EACCES
from functools import cache
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies

from signoff.runtime.guard import AddressRefusedError, Network, check_address

_Check: TypeAlias = Callable[["Confinement", tuple[Any, ...]], None]

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class ConfinedError(OSError):
    """Something that a confined thread may not do; an OSError, since libraries expect those from a socket."""

    def __init__(self, text: str) -> None:
        super().__init__(EACCES, text)


class Confinement:
    """The bounds of one call in a thread: public addresses, and no files, processes or threads.

    Attributes:
        refusal: why something was refused, the last time.

    Args:
        networks: that may be reached although they are not public.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.refusal: str | None = None
        self._networks = networks
        self._proxies = _proxy_hosts()
        self._over = False

    def end(self) -> None:
        """Nobody waits any more: whatever the call still does, it connects to nothing."""
        self._over = True

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Let an audit event pass.

        Raises:
            OSError: it may not happen; a name's other addresses are tried.
        """
        check = _CHECKS.get(event)
        if check is None:
            return
        try:
            check(self, arguments)
        except OSError as error:
            self.refusal = error.strerror
            raise

    def look_up(self, arguments: tuple[Any, ...]) -> None:
        """A name is looked up: not a proxy's, which would look up the others behind our back."""
        host = arguments[0]
        text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
        if text.lower() in self._proxies:
            raise ConfinedError(
                "The environment sets a proxy, and notifications take none: name the host in NO_PROXY"
            )

    def connect(self, arguments: tuple[Any, ...]) -> None:
        """A socket connects."""
        if self._over:
            raise ConfinedError("The time of this notification is over")
        address = arguments[1]
        if not isinstance(address, tuple):
            raise ConfinedError("Notifications use no local sockets")
        try:
            check_address(str(address[0]), self._networks)
        except AddressRefusedError:
            raise
        except ValueError as error:
            raise ConfinedError("A host was not looked up before it was connected to") from error

    def open(self, arguments: tuple[Any, ...]) -> None:
        """A file is opened: only what Python itself reads, such as modules."""
        path, _, flags = arguments
        if isinstance(path, int):
            return
        if (flags or 0) & _WRITING or not _is_pythons(os.fsdecode(path)):
            raise ConfinedError("Notifications use no files")

    def begin(self, _arguments: tuple[Any, ...]) -> None:
        """A process or a thread begins, or bytes go out of a socket that is not connected."""
        raise ConfinedError("Notifications begin no processes and no threads, and send no datagrams")


_CHECKS: Final[Mapping[str, _Check]] = {
    "socket.getaddrinfo": Confinement.look_up,
    "socket.connect": Confinement.connect,
    "open": Confinement.open,
} | dict.fromkeys(
    (
        "socket.sendto", "socket.sendmsg", "socket.bind",
        "subprocess.Popen", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.forkpty",
        "pty.spawn", "os.startfile",
        "_thread.start_new_thread", "_thread.start_joinable_thread",
    ),
    Confinement.begin,
)  # fmt: skip


class _Current(threading.local):
    confinement: Confinement | None = None


_current: Final = _Current()


@contextmanager
def confined(confinement: Confinement) -> Iterator[None]:
    """Confine this thread to bounds while the context lasts."""
    _install_hook()
    _current.confinement = confinement
    try:
        yield
    finally:
        _current.confinement = None


@cache
def _install_hook() -> None:
    current = _current  # of its own: a module's names are gone while the interpreter ends

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if (confinement := current.confinement) is not None:
            confinement.check(event, arguments)

    sys.addaudithook(hook)


def _proxy_hosts() -> frozenset[str]:
    """The hosts of the proxies that ``requests`` would take from the environment."""
    found = (
        urlsplit(proxy if "://" in proxy else f"//{proxy}").hostname
        for kind, proxy in getproxies().items()
        if kind != "no"
    )
    return frozenset(host for host in found if host)


def _is_pythons(path: str) -> bool:
    full = os.path.abspath(path)  # noqa: PTH100  (pathlib's resolves links and reads folders for it)
    folders = (sys.prefix, sys.base_prefix, *filter(os.path.isabs, sys.path))
    return any(full.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)
