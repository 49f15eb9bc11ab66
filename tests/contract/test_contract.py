"""schemathesis against a running server: what the document says, the server does.

``make test`` gives it some seconds, ``make soak`` ``SIGNOFF_SOAK_MINUTES`` (10) and a seed of its own.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from support.populated_server import PopulatedServer

_FOLDER = Path(__file__).parent
_PROGRAM = Path(sys.executable).with_name("schemathesis")
_MINUTES = float(os.environ.get("SIGNOFF_SOAK_MINUTES", "10"))
_SHORT = 30
_TO_END = 60
_SEED = 20260501


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PopulatedServer]:
    """A server that has something of everything."""
    server = PopulatedServer(tmp_path_factory.mktemp("contract"))
    try:
        server.serve()
        yield server
    finally:
        server.kill()


@pytest.mark.timeout(_SHORT + _TO_END)
def test_the_server_does_what_its_document_says(server: PopulatedServer, tmp_path: Path) -> None:
    _check(server, tmp_path, seconds=_SHORT, seed=_SEED)


@pytest.mark.soak
@pytest.mark.timeout(_MINUTES * 60 + 2 * _TO_END)
def test_the_server_does_what_its_document_says_for_long(server: PopulatedServer, tmp_path: Path) -> None:
    _check(server, tmp_path, seconds=round(_MINUTES * 60), seed=random.randrange(2**32))


def _check(server: PopulatedServer, folder: Path, *, seconds: int, seed: int) -> None:
    """Let schemathesis call every route in every way for so long; it tells how to repeat what it finds."""
    with urlopen(f"{server.url}/openapi.json", timeout=_TO_END) as made:  # schemathesis waits for 10 s
        made.read()
    done = subprocess.run(
        [
            _PROGRAM, "--config-file", _configuration(server, folder), "run", f"{server.url}/openapi.json",
            "--phases", "examples,coverage,fuzzing,stateful", "--header", f"X-API-Key: {server.key}",
            "--max-time", str(seconds), "--seed", str(seed), "--no-color",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds + _TO_END,
        check=False,
    )  # fmt: skip
    print(done.stdout)  # how many were sent is worth reading, too
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.complaints() == []


def _configuration(server: PopulatedServer, folder: Path) -> Path:
    """Ours, with the values by which this server's things are found."""
    lines = [f'hooks = "{_FOLDER / "hooks.py"}"', (_FOLDER / "schemathesis.toml").read_text()]
    for name, values in server.known.items():
        lines.append(f"[dictionaries.{name}]\nvalues = {json.dumps(values, ensure_ascii=False)}")
        lines.append(f'[parameters."path.{name}"]\ndictionary = "{name}"\nprobability = 0.7')
    path = folder / "schemathesis.toml"
    path.write_text("\n".join(lines))
    return path
