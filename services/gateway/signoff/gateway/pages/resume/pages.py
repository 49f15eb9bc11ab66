"""``/resume``: what an execution waits for, and the decision on it; by session, or by a decision link."""

from typing import Final

from signoff.gateway.pages.page import Page
from signoff.gateway.pages.resume.amending import amend
from signoff.gateway.pages.resume.beside import VERBS, retry
from signoff.gateway.pages.resume.codes import send_code
from signoff.gateway.pages.resume.deciding import decide_form
from signoff.gateway.pages.resume.refused import refused
from signoff.gateway.pages.resume.showing import outcome, show, show_point, whole

_PAGE: Final = "/resume/{id}/{execution}"
_POINT: Final = f"{_PAGE}/{{context}}"

PAGES: Final[tuple[Page, ...]] = (
    Page(
        path=_PAGE, operation="pauses:read", name="resumePage", handler=show, shows="getInboxPoint",
        takes_link=True, refused=refused,
    ),
    Page(path=_POINT, operation=None, name="resumePointPage", handler=show_point),
    Page(
        path=f"{_POINT}/content", operation="pauses:read", name="resumeContentPage", handler=whole,
        shows="getInboxPoint", takes_link=True, refused=refused,
    ),
    Page(
        path=f"{_POINT}/outcome", operation="pauses:read", name="resumeOutcomePage", handler=outcome,
        shows="forkExecution", rate="async", starts=True, refused=refused,
    ),
    Page(
        method="POST", path=f"{_POINT}/outcome", operation="pauses:read", name="resumeOutcomeForm",
        handler=outcome, shows="forkExecution", rate="async", starts=True, refused=refused,
    ),
    Page(
        method="POST", path=_POINT, operation="pauses:decide", name="resumeDecideForm", handler=decide_form,
        takes_link=True, rate="sync", refused=refused,
    ),
    Page(
        method="POST", path=f"{_POINT}/code", operation="pauses:decide", name="resumeCodeForm",
        handler=send_code, takes_link=True, sends_code=True, refused=refused,
    ),
    Page(
        method="POST", path=f"{_POINT}/retry", operation="executions:manage", name="resumeRetryForm",
        handler=retry, rate="sync", refused=refused,
    ),
    Page(
        method="POST", path=f"{_POINT}/content", operation="pauses:amend", name="resumeContentForm",
        handler=amend, refused=refused,
    ),
    *(
        Page(
            method="POST", path=f"{_POINT}/{verb.name}", operation=verb.operation,
            name=f"resume{verb.name.title()}Form", handler=verb.handler, takes_link=True, refused=refused,
        )
        for verb in VERBS
    ),
)  # fmt: skip
