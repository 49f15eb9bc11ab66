"""The pages of this room."""

from typing import Final

from signoff.gateway.executions.events import EventsQuery
from signoff.gateway.executions.searching import SearchQuery
from signoff.gateway.executions.showing import StateQuery
from signoff.gateway.pages.executions import acting, comparing, events, listing, proving, showing
from signoff.gateway.pages.page import Page

_ONE: Final = "/executions/{execution}"

PAGES: Final[tuple[Page, ...]] = (
    Page(
        path="/executions", operation="executions:read", name="executionsPage", handler=listing.show,
        shows="searchExecutions", query=SearchQuery,
    ),
    Page(
        path="/executions/compare", operation="executions:read", name="comparePage", handler=comparing.show,
        shows="compareTimelines", query=comparing.CompareQuery,
    ),
    Page(
        path=_ONE, operation="executions:read", name="executionPage", handler=showing.show,
        shows="getExecutionState", query=StateQuery,
    ),
    Page(
        path=f"{_ONE}/events", operation="executions:read", name="eventsPage", handler=events.show,
        shows="listEvents", query=EventsQuery,
    ),
    Page(
        path=f"{_ONE}/events/{{event}}", operation="executions:read", name="eventPage",
        handler=events.show_one, shows="listEvents",
    ),
    Page(
        path=f"{_ONE}/verification", operation="executions:read", name="verificationPage",
        handler=proving.show, shows="verifyExecution",
    ),
    Page(
        method="POST", path=f"{_ONE}/cancel", operation="executions:manage", name="cancelForm",
        handler=acting.cancel,
    ),
    Page(
        method="POST", path=f"{_ONE}/retry", operation="executions:manage", name="retryForm",
        handler=acting.retry, rate="async",
    ),
    Page(
        method="POST", path=f"{_ONE}/runs", operation="executions:start", name="runAgainForm",
        handler=acting.run_again, rate=None,
    ),
    Page(
        method="POST", path=f"{_ONE}/forks", operation="executions:manage", name="forkForm",
        handler=acting.fork, rate="async", starts=True,
    ),
)  # fmt: skip
