"""Makes the messages of a matter: from what a definition says, with its references resolved."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from signoff.engine.definitions.references import resolve
from signoff.engine.definitions.values import to_text
from signoff.engine.points.notices import occasions_of
from signoff.executor.notices.channels import Channels
from signoff.executor.notices.matter import Entry, Matter
from signoff.executor.notices.people import Recipient, Recipients
from signoff.executor.notices.results import is_tool
from signoff.executor.notices.scene import Scene
from signoff.executor.notices.story import Story
from signoff.executor.running.scope import Facts
from signoff.notify import InvalidNoticeError, Notice, Notifier, addressed, of_tool
from signoff.notify.texts import stands_alone


class Letter(Struct, frozen=True):
    """A message, and by what it is sent."""

    notifier: Notifier
    notice: Notice


class Letters:
    """Makes the messages of one matter.

    Everything raises `NotifyError`, `EngineError` or `StoreError`, with a text for whoever wrote the entry.
    What must not get into the log is added to ``secrets``, also where an error follows.

    Args:
        matter: what people are told of.
        scene: what references may read.
        story: what is said where the author wrote nothing.
        channels: by what it is sent.
        people: who is told by themselves.
    """

    def __init__(
        self, matter: Matter, scene: Scene, story: Story, channels: Channels, people: Recipients
    ) -> None:
        self._matter = matter
        self._scene = scene
        self._story = story
        self._channels = channels
        self._people = people

    async def recipients(self) -> list[Recipient]:
        """The people who are told by themselves; where something is wanted of them, one at least."""
        matter = self._matter
        if not matter.asked:
            raise InvalidNoticeError("the pause has no assignees: name them, or give the notification a url")
        if matter.occasion != "closed" and matter.point.status != "paused":
            raise InvalidNoticeError("it was decided before anybody was told")
        recipients = await self._people.of(matter)
        if not recipients and matter.occasion != "closed":
            raise InvalidNoticeError(
                "there is nobody to tell: those who are asked have decided, may not decide, or are no active "
                "members of the workspace"
            )
        return recipients

    async def to_channel(self, entry: Entry, secrets: set[str]) -> Letter | None:
        """A message to where a notification says; ``None`` if it is not for this occasion."""
        params = self._params(entry, self._scene.facts(secrets))
        if params is None:
            return None
        if is_tool(entry.written):
            return Letter(self._channels.authors, of_tool(params))
        page = self._scene.page if self._channels.public_url else None
        return Letter(self._channels.authors, self._notice(to_text(params.get("url")), params, page))

    async def to_person(self, entry: Entry, one: Recipient, secrets: set[str]) -> Letter | None:
        """A mail to a person, with a link that is theirs alone; ``None`` as above."""
        if one.address is None:
            raise InvalidNoticeError("they have no e-mail address")
        link = await self._link(one, lent=entry.is_carried)
        if link is not None:
            secrets.add(link)
        params = self._params(entry, self._scene.facts(secrets, link=link))
        if params is None:
            return None
        url = params.get("url")
        if url is not None:
            own_url = addressed(to_text(url), one.address)
            return Letter(self._channels.authors, self._notice(own_url, params, link))
        url = addressed(self._mail_url(), one.address)
        return Letter(self._channels.own, self._notice(url, params, link))

    async def _link(self, one: Recipient, *, lent: bool) -> str | None:
        if self._matter.occasion == "closed":
            return None
        if not self._channels.public_url:
            raise InvalidNoticeError("a link must name this server: its operator must set SIGNOFF_PUBLIC_URL")
        return await self._people.link(self._matter, one.user_id, lent=lent)

    def _mail_url(self) -> str:
        if self._channels.mail_url is None:
            raise InvalidNoticeError(
                "there is no mail server: give the notification a url (mailtos://…), or have the operator "
                "set SIGNOFF_MAIL_URL"
            )
        return self._channels.mail_url

    def _params(self, entry: Entry, facts: Facts) -> Mapping[str, Any] | None:
        params = resolve(entry.template, facts)
        if not isinstance(params, Mapping):
            raise InvalidNoticeError("it must be an object with url, with to, or with toolId")
        return params if self._matter.occasion in occasions_of(params) else None

    def _notice(self, url: str, params: Mapping[str, Any], link: str | None) -> Notice:
        title, body = self._story.told(link)
        own_title, own_body = params.get("title"), params.get("body")
        title = title if own_title is None else to_text(own_title)
        body = body if own_body is None else to_text(own_body)
        if link is not None and not (stands_alone(title, link) and stands_alone(body, link)):
            raise InvalidNoticeError("title, body: the link must stand by itself, not inside another address")
        return Notice(url=url, title=title, body=body)
