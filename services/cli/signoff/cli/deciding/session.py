"""A decision taken at a terminal: shown, asked for field by field, confirmed, sent, where needed again."""

from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from signoff.cli.deciding.answers import Answers
from signoff.cli.deciding.fields import LocalFile
from signoff.cli.deciding.terminal import Terminal
from signoff.cli.exits import CommandError, Exit
from signoff.cli.inbox import views as inbox_views
from signoff.client import Client, ContentChangedError, FormError, PointDetail, Resumed


class Session:
    """One person's decision on one pause point.

    Nothing is sent before they agree to what they filled in; what they decide on is named with it, so that
    they are asked again where it has changed meanwhile.

    Args:
        client: to the server.
        terminal: with the person.
        execution_id: the execution that waits.
        context_id: the point.
    """

    def __init__(self, client: Client, terminal: Terminal, execution_id: str, context_id: str) -> None:
        self._client = client
        self._terminal = terminal
        self._place = (execution_id, context_id)
        self._seen = client.inbox.get(execution_id, context_id)
        self._answers = Answers(self._seen.point.form)
        self._sent: dict[LocalFile, Any] = {}

    def decide(self) -> Resumed:
        """Go through all of it.

        Raises:
            CommandError: they may not decide this, or gave up.
            ClientError: the server refused, or is away.
        """
        self._terminal.show(inbox_views.decision(self._seen))
        _check(self._seen)
        try:
            self._answers.ask(self._terminal)
            while self._agrees():
                resumed = self._send()
                if resumed is not None:
                    return resumed
        except (KeyboardInterrupt, EOFError) as error:
            raise _stopped() from error
        raise _stopped()

    def _agrees(self) -> bool:
        """Show what was filled in, and ask whether to send it."""
        while True:
            summary = Padding(self._answers.summary(), (0, 0, 0, 2))
            self._terminal.show(Group(Text("\nYour decision", "bold"), summary))
            reply = self._terminal.ask("Send it? yes, no, or edit > ").lower()
            if reply in {"y", "yes"}:
                return True
            if reply in {"n", "no"}:
                return False
            if reply in {"e", "edit"}:
                self._answers.ask(self._terminal)

    def _send(self) -> Resumed | None:
        """Send it; ``None``: something must be asked again, and has been."""
        values = {name: self._sendable(value) for name, value in self._answers.values.items()}
        seen = self._seen
        try:
            return self._client.pauses.resume(
                seen.workflow_id, *self._place, values, content_digest=seen.content_digest
            )
        except FormError as error:
            self._mend(error)
        except ContentChangedError:
            self._look_again()
        except KeyboardInterrupt as error:
            raise CommandError(
                "stopped while the decision was on its way: whether it was taken, says "
                f"`signoff inbox show {' '.join(self._place)}`",
                code=Exit.INTERRUPTED,
            ) from error
        return None

    def _sendable(self, value: Any) -> Any:
        """A value with its files stored; each is sent once, however often the decision is."""
        if not isinstance(value, list):
            return value
        for each in value:
            if isinstance(each, LocalFile) and each not in self._sent:
                file = self._client.files.upload(each.path, media_type=each.media_type)
                self._sent[each] = file.value()
        return [self._sent[each] if isinstance(each, LocalFile) else each for each in value]

    def _mend(self, error: FormError) -> None:
        faulty = self._answers.named(error.fields)
        if not faulty:
            raise error
        self._terminal.say("\nThis does not fit yet:", "red")
        for message in error.fields.values():
            self._terminal.say(f"  {message}", "red")
        self._answers.ask(self._terminal, faulty)

    def _look_again(self) -> None:
        before, self._seen = self._seen, self._client.inbox.get(*self._place)
        changes = inbox_views.changes(before, self._seen)
        told = "\nNothing was decided: what you decide on has changed meanwhile"
        self._terminal.show(Group(Text(told, "yellow bold"), changes))
        _check(self._seen)
        self._answers.ask(self._terminal, self._answers.move_to(self._seen.point.form))


def _stopped() -> CommandError:
    return CommandError("stopped: nothing was decided", code=Exit.INTERRUPTED)


def _check(seen: PointDetail) -> None:
    if seen.refusal is not None:
        raise CommandError(f"you may not decide this: {seen.refusal.message}", code=Exit.REFUSED)
