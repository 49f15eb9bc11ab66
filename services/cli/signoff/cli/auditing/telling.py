"""How a verification tells people and programs what it found."""

from rich.text import Text

from signoff.audit.verify.faults import Fault
from signoff.cli.terminal.output import Output


def tell_fault(output: Output, fault: Fault) -> None:
    """A fault, with where it is and what it means; for programs a JSON line."""
    if not output.is_terminal:
        output.line(fault)
        return
    output.unbroken(Text.assemble((f"✗ {fault.kind}", "red"), f"  {fault.place}: {fault.meaning}"))
    if fault.cause:
        output.unbroken(Text(f"  {fault.cause}", style="dim"))


def tell_verdict(output: Output, faults: int, looked_at: str) -> None:
    """How many faults there are, for people.

    Args:
        output: a terminal.
        faults: how many were found.
        looked_at: what was looked at, in words.
    """
    found = "✓ nothing is wrong" if not faults else "✗ 1 fault" if faults == 1 else f"✗ {faults} faults"
    output.unbroken(Text.assemble((found, "red" if faults else "green"), f"  {looked_at}"))
