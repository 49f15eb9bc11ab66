"""Runs workflows in tests: the real engine and real blocks, in memory, with a clock that does not wait.

from signoff.testing import run_workflow

def test_a_large_refund_waits_for_finance() -> None:
outcome = run_workflow(REFUND, {"amount": 500}, decisions={"approve": {"approved": True}})

assert outcome.status == "completed"
"""

from signoff.testing.definitions import Document
from signoff.testing.errors import DefinitionFaultsError, KitError, RefusedError, UnfinishedError
from signoff.testing.outcome import LogLine, Outcome, Pause
from signoff.testing.run import Decisions, run_workflow, run_workflow_async

__all__ = [
    "Decisions",
    "DefinitionFaultsError",
    "Document",
    "KitError",
    "LogLine",
    "Outcome",
    "Pause",
    "RefusedError",
    "UnfinishedError",
    "run_workflow",
    "run_workflow_async",
]
