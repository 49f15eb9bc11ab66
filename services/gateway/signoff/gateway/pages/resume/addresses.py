"""Addresses of the page and of what its forms are sent to; who came by a decision link stays by it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from msgspec import Struct

from signoff.gateway.people.link_cookies import BY

CONTEXT: Final = "contextId"
"""The query parameter that names the pause point."""


class Addresses(Struct, frozen=True):
    """The addresses of one execution's page.

    Attributes:
        workflow_id: of the execution.
        execution_id: as callers know it.
        by_link: the id of the decision link that the visitor came by.
    """

    workflow_id: str
    execution_id: str
    by_link: str | None = None

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
        return f"{path}?{self._query({})}" if self.by_link is not None else path

    def _query(self, given: Mapping[str, str]) -> str:
        return urlencode(given if self.by_link is None else {**given, BY: self.by_link})
