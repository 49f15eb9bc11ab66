"""Which executions a command is about: the options of a search."""

from dataclasses import dataclass

import msgspec
from cyclopts import Parameter

from signoff.cli.exits import CommandError
from signoff.client import ExecutionStatus
from signoff.client.resources.executions import Filters


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)  # not a Struct: the parser of arguments does not know those
class Selection:
    """Executions that fit all that is given.

    Attributes:
        workflow: Of this workflow; may be given again.
        status: In this state; may be given again.
        trigger: Started by this, such as api or schedule; may be given again.
        actor: Started by this caller: an id, or a type and an id such as user:ann.
        started_after: Not before this moment, ISO 8601; without an offset it is UTC.
        started_before: Before this moment.
        error: Part of why they failed; A to Z and a to z are the same.
        attribute: NAME:VALUE, NAME>=NUMBER or NAME<=NUMBER, in quotes; may be given again.
        forked_from: Forks of this execution, by its own id.
        text: The beginning of their id, or words: each begins a word of their id, their workflow's id,
            their error or one of their attributes.
    """

    workflow: list[str] | None = None
    status: list[ExecutionStatus] | None = None
    trigger: list[str] | None = None
    actor: str | None = None
    started_after: str | None = None
    started_before: str | None = None
    error: str | None = None
    attribute: list[str] | None = None
    forked_from: str | None = None
    text: str | None = None

    def filters(self) -> Filters:
        """The selection as the client takes it."""
        given = {
            "workflows": self.workflow,
            "statuses": self.status,
            "triggers": self.trigger,
            "actor": self.actor,
            "started_after": self.started_after,
            "started_before": self.started_before,
            "error": self.error,
            "attributes": self.attribute,
            "forked_from": self.forked_from,
            "text": self.text,
        }
        return msgspec.convert({name: value for name, value in given.items() if value}, Filters)

    def require(self) -> Filters:
        """The same, of something that must not mean everything by accident.

        Raises:
            CommandError: nothing is selected.
        """
        filters = self.filters()
        if not filters:
            raise CommandError("say which executions are meant, such as --workflow refund or --status paused")
        return filters
