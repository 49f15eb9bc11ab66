"""The access log of an embedded server, on the command line, and over a stop."""

from e2e.shell import Embedded


def test_what_was_read_just_before_a_stop_is_listed_after_it(embedded: Embedded) -> None:
    embedded.serve("--examples")
    embedded.signoff(
        "run", "refund-approval", "--id", "seen", "--input", "@examples/refund-approval/input.json"
    )
    assert embedded.signoff("executions", "events", "seen").code == 0
    assert embedded.signoff("executions", "show", "never-was").code != 0

    assert embedded.stop() == 0
    embedded.serve("--examples")

    listed = embedded.signoff("audit", "access", "--execution", "seen", "--type", "access:read")
    assert listed.code == 0, listed.err
    assert "listEvents" in {access["operation"] for access in listed.lines}
    shown = embedded.on_terminal("signoff audit access --type access:read")
    assert shown.code == 0
    assert "apiKey" in shown.out
    assert "seen" in shown.out
