"""A page as data: what the router, the authorization and the isolation tests read."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from aiohttp import web
from msgspec import Struct

from signoff.access.permissions import Operation
from signoff.gateway.errors import ApiError
from signoff.gateway.http.routing import Answer, Handler, Method, OpenHandler, Rate, Route

_TAG: Final = "Pages"

Refused: TypeAlias = Callable[[web.Request, ApiError], Awaitable[web.StreamResponse | None]]
"""Answers a refused request, or leaves it."""


class Page(Struct, frozen=True, kw_only=True):
    """A page, or what a form of a page is sent to.

    Attributes:
        method: ``GET`` for what is looked at, ``POST`` for what a form is sent to.
        path: with ``{names}``, as aiohttp takes it. Names are those of the API's routes (``{id}`` or
            ``{workflowId}`` of a workflow, ``{execution}``, ``{context}``): by them the workspace is found.
        operation: what its visitor must be allowed to do in the workspace; ``None``: open to anybody.
        name: of the page, such as ``inboxPage``.
        handler: serves it; an `OpenHandler` where there is no operation.
        shows: the operation of the API whose data it shows or whose change it makes: the access log has it
            as an access of that. ``None``: it shows nothing that is recorded.
        query: the struct of query parameters that the API's operation reads, for the access log.
        takes_link: a decision link lets its person in, too; the path has ``{execution}`` and ``{context}``,
            or the query ``contextId``.
        sends_code: it sends the person of a link a code (`Route.sends_code`).
        rate: what a request counts as, where rates are limited: the same as at the API's operation.
            ``None``: the handler counts it, as that operation's does.
        starts: it sets an execution to work (`Route.starts`).
        refused: shows a refusal in its own way; ``None`` from it leaves the refusal to the usual page.
    """

    method: Method = "GET"
    path: str
    operation: Operation | None
    name: str
    handler: Handler | OpenHandler
    shows: str | None = None
    query: type[Struct] | None = None
    takes_link: bool = False
    sends_code: bool = False
    rate: Rate | None = "reads"
    starts: bool = False
    refused: Refused | None = None

    @property
    def route(self) -> Route:
        """The page as the admission takes it."""
        answers: Mapping[int, Answer] = {}
        return Route(
            method=self.method,
            path=self.path,
            operation=self.operation,
            name=self.shows or self.name,
            summary="",
            tag=_TAG,
            answers=answers,
            query=self.query,
            takes_form=self.method == "POST",
            takes_link=self.takes_link,
            sends_code=self.sends_code,
            rate=self.rate,
            starts=self.starts,
            handler=self.handler,
        )
