"""Addresses of the page and of what its forms are sent to; who came by a decision link stays by it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from msgspec import Struct

from signoff.gateway.people.link_cookies import BY

INBOX: Final = "inbox"
"""The query parameter that names the view of the inbox to go back to."""

CONTEXT: Final = "contextId"
"""The query parameter that names the pause point."""


class Addresses(Struct, frozen=True):
    """The addresses of one execution's page.

    Attributes:
        workflow_id: of the execution.
        execution_id: as callers know it.
        by_link: the id of the decision link that the visitor came by.
        inbox: the view of the inbox that they came from; ``None``: the usual one.
    """

    workflow_id: str
    execution_id: str
    by_link: str | None = None
    inbox: str | None = None

    @property
    def base(self) -> str:
        """What all of them begin with."""
        return f"/resume/{quote(self.workflow_id, safe='')}/{quote(self.execution_id, safe='')}"

    def page(self, context_id: str) -> str:
        """The page with one pause point chosen."""
        return f"{self.base}?{self._query({CONTEXT: context_id})}"

    def action(self, context_id: str, verb: str = "") -> str:
        """Where a form about a pause point is sent; without a verb: its decision."""
        path = f"{self.base}/{quote(context_id, safe='')}{f'/{verb}' if verb else ''}"
        query = self._query({})
        return f"{path}?{query}" if query else path

    def _query(self, given: Mapping[str, str]) -> str:
        stays = {BY: self.by_link, INBOX: self.inbox}
        return urlencode({**given, **{name: each for name, each in stays.items() if each is not None}})
