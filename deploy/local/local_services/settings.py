"""What a local cluster remembers between its starts: its ports and its key."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from .ports import is_free, unused_port
from .waiting import LocalServicesError


@dataclass(frozen=True)
class Settings:
    """Chosen when the cluster first starts, kept until its folder is wiped.

    Attributes:
        ports: The loopback port of each process, by name.
        api_key: The bootstrap API key.
    """

    ports: Mapping[str, int]
    api_key: str

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What an earlier start remembered; None before the first one.

        Raises:
            LocalServicesError: The file is not what `save` wrote.
        """
        try:
            document = json.loads(path.read_text())
            return cls(ports=document["ports"], api_key=document["api_key"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise LocalServicesError(
                f"{path} is damaged ({error!r}): mend it, or end its processes and remove its folder"
            ) from error

    @classmethod
    def choose(cls, names: Sequence[str], *, api_key: str | None) -> Self:
        """New ports for these processes, and a new key unless one is given."""
        ports: dict[str, int] = {}
        for name in names:
            ports[name] = unused_port(taken=ports.values())
        return cls(ports=ports, api_key=api_key or f"sk-signoff-{secrets.token_urlsafe(24)}")

    def without_taken_ports(self) -> Self:
        """The same, with a new port for each one that another program listens on by now."""
        ports = dict(self.ports)
        for name, port in self.ports.items():
            if not is_free(port):
                ports[name] = unused_port(taken=ports.values())
        return replace(self, ports=ports)

    def save(self, path: Path) -> None:
        """Write the settings, readable by their owner only."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
