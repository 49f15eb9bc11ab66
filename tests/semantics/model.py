"""The language model of the cases: it answers as the case says, and keeps what it was asked."""

from typing import Any

from aiohttp import web
from msgspec import Struct

from signoff.events.types import Json
from support.openai_server import OpenAiServer, Scripted, calls, fails, says, says_json


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """One answer, in one of these ways.

    Attributes:
        says: a text in parts, as it is streamed.
        gives: a JSON document.
        calls: tools by name, with their arguments.
        fails: the status of a refusal.
    """

    says: list[str] = []
    gives: Json = None
    calls: dict[str, Json] = {}
    fails: int | None = None

    def scripted(self) -> Scripted:
        """The answer as the server takes it."""
        if self.fails is not None:
            return fails(self.fails)
        if self.calls:
            return calls(*self.calls.items())
        return says(*self.says) if self.says else says_json(self.gives)


class Model(OpenAiServer):
    """The server, whose connections end with their answers: their tasks would outlive the test."""

    def prepare(self, answers: list[Answer]) -> None:
        """Say what a case gets, and forget what the one before asked."""
        self.asked.clear()
        self._script.clear()
        self.script(*(each.scripted() for each in answers))

    def messages(self) -> list[list[str]]:
        """What each request said, message by message, as ``role: content``."""
        return [[_in_short(message) for message in each.messages] for each in self.asked]

    def _application(self) -> web.Application:
        async def end_with_it(_: web.Request, response: web.StreamResponse) -> None:
            response.force_close()

        application = super()._application()
        application.on_response_prepare.append(end_with_it)
        return application


def _in_short(message: dict[str, Any]) -> str:
    return f"{message['role']}: {message.get('content')}"
