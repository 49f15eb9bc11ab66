"""docs/sim-clients.md: it names every public method of both SDKs, and what it shows works."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import pytest
from simstudio import SimStudioClient

from e2e.shell import REPOSITORY
from support.npm import NODE
from support.sdk_server import SimServer
from support.sdk_typescript import install

PAGE: Final = (REPOSITORY / "docs" / "sim-clients.md").read_text(encoding="utf-8")
_METHOD: Final = re.compile(r"^    (?!private |constructor)(\w+)\(", re.MULTILINE)


def python_methods() -> set[str]:
    methods = inspect.getmembers(SimStudioClient, inspect.isfunction)
    return {name for name, _ in methods if not name.startswith("_")}


def typescript_methods() -> set[str]:
    types = install() / "node_modules" / "simstudio-ts-sdk" / "dist" / "index.d.ts"
    _, _, of_client = types.read_text(encoding="utf-8").partition("class SimStudioClient")
    return set(_METHOD.findall(of_client))


@pytest.mark.parametrize("methods", [python_methods, typescript_methods])
def test_the_page_names_every_public_method(methods: Callable[[], set[str]]) -> None:
    names = methods()

    assert len(names) >= 10
    assert {name for name in names if f"`{name}`" not in PAGE} == set()


@pytest.mark.parametrize(
    ("language", "program"),
    [("python", [sys.executable, "-c"]), ("typescript", [NODE, "--input-type=module", "-e"])],
)
def test_the_example_works(server: SimServer, language: str, program: list[str]) -> None:
    shown = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert shown is not None

    done = subprocess.run(
        [*program, shown[1].replace("http://127.0.0.1:8080", server.url)],
        cwd=install(),
        env=os.environ | {"SIGNOFF_API_KEY": server.key},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.stderr == ""
    assert "R-UNKNOWN-80" in done.stdout
