"""A plugin of pytest: writes down which tests passed and failed, and whose code they ran.

The file is named by the variable ``MUTANTS_WITNESS``.
"""

import os
import sys
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec import Struct


class Witness(Struct):
    """What happened in one run of pytest.

    Attributes:
        passed: node ids of tests.
        failed: the same, where the test itself failed; not what it needed.
        errors: what could not be collected, set up or torn down, and why.
        foreign: modules of Signoff that were not those of the scratch copy.
    """

    passed: list[str] = []
    failed: list[str] = []
    errors: list[str] = []
    foreign: list[str] = []


_REASON: Final = 200

_witness = Witness()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a test, or what it needs, ended."""
    if report.when != "call":
        if report.failed:
            _witness.errors.append(f"{report.nodeid} ({report.when}): {_reason(report)}")
    elif report.failed:
        _witness.failed.append(report.nodeid)
    elif report.passed:
        _witness.passed.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note what could not be collected: a mutant that cannot be imported proves nothing."""
    if report.failed:
        _witness.errors.append(f"{report.nodeid}: {_reason(report)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write it down."""
    _witness.foreign = [
        name
        for name, module in list(sys.modules.items())
        if name.startswith("signoff.")
        and (path := getattr(module, "__file__", None)) is not None
        and not Path(path).is_relative_to(session.config.rootpath)
    ]
    Path(os.environ["MUTANTS_WITNESS"]).write_bytes(msgspec.json.encode(_witness))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return (report.longreprtext.strip().splitlines() or ["no reason given"])[-1][:_REASON]
