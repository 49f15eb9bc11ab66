"""The pages of this room."""

from typing import Final

from signoff.gateway.pages.inbox import deciding, listing, past, peek
from signoff.gateway.pages.inbox.views import PATH, InboxPageQuery
from signoff.gateway.pages.page import Page

PAGES: Final[tuple[Page, ...]] = (
    Page(
        path=PATH, operation="inbox:read", name="inboxPage", handler=listing.show,
        shows="listInbox", query=InboxPageQuery,
    ),
    Page(path=past.PAST, operation="inbox:read", name="decidedPage", handler=past.show, shows="listInbox"),
    Page(
        path=f"{PATH}/{{execution}}/{{context}}", operation="pauses:read", name="peekPage", handler=peek.show,
        shows="getInboxPoint",
    ),
    Page(
        method="POST", path=f"{PATH}/decisions", operation="pauses:decide", name="decideForm",
        handler=deciding.submit, rate="sync",
    ),
)  # fmt: skip
