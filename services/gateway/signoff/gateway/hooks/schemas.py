"""Bodies and answers about outgoing webhooks."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.access.hooks import HOOK_TYPES
from signoff.gateway.http.queries import ByCommas

HookType = Annotated[str, Meta(extra_json_schema={"enum": sorted(HOOK_TYPES)})]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
MAX_REPLAY = 1000
"""Deliveries that one request may name."""


class HookBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A webhook as it is to be.

    Attributes:
        url: Where events are sent, `https://…` or `http://…`. Left out, one that is there stays.
        types: The types of the events that it is told of; none means those that tell how executions begin,
            pause, go on and end.
        workflow_ids: The workflows that it is told about; none means all.
        enabled: False: nothing is sent, and what happens meanwhile is not sent later.
    """

    url: str | UnsetType = UNSET
    types: Annotated[list[HookType], Meta(max_length=100)] = []
    workflow_ids: Annotated[list[Name], Meta(max_length=1000)] = []
    enabled: bool = True


class NewHookBody(HookBody, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A webhook to make.

    Attributes:
        url: Where events are sent, `https://…` or `http://…`.
    """

    url: str


class HookShown(Struct, frozen=True, kw_only=True, rename="camel"):
    """A webhook; its secret is not shown.

    Attributes:
        hook_id: Names it; part of every `webhook-id`.
        url: Where events are sent; what its query says is not shown.
        types: The types of the events that it is told of; none means the main ones.
        workflow_ids: The workflows that it is told about; none means all.
        enabled: False: nothing is sent.
        set_at: When it was set last.
        previous_secret_until: Until when the secret before signs, too; null: there is none.
    """

    hook_id: str
    url: str
    types: list[str]
    workflow_ids: list[str]
    enabled: bool
    set_at: str
    previous_secret_until: str | None


class HookCreated(HookShown, frozen=True, kw_only=True, rename="camel"):
    """A webhook with its new secret, which is not shown again.

    Attributes:
        secret: What events are signed with, as Standard Webhooks writes it: `whsec_` and base64.
    """

    secret: str


class HookList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A workspace's webhooks, by id.

    Attributes:
        hooks: All of them.
    """

    hooks: list[HookShown]


class HookTested(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a receiver made of a test.

    Attributes:
        delivered: It answered with 200 to 299.
        status: Of its answer; null: there was none.
        duration_ms: How long it took, in milliseconds.
        error: What went wrong; null: nothing did.
    """

    delivered: bool
    status: int | None
    duration_ms: float
    error: str | None


class DeliveriesQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which deliveries are meant.

    Attributes:
        state: `pending`: executions whose next event could not be delivered, and is tried again; `dead`:
            events that were given up.
        cursor: Goes on from a page before.
        limit: How many at most.
    """

    state: Literal["pending", "dead"] = "pending"
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Delivery(Struct, frozen=True, kw_only=True, rename="camel"):
    """A delivery that failed.

    Attributes:
        id: Its `webhook-id`.
        state: `pending` or `dead`.
        log_id: The log of the execution, by which executions are found, too.
        event_id: The event in that log. Of a pending one: the first that may not have come.
        type: The type of the event; null for a pending one.
        attempts: How often it failed, times at which too much was under way included.
        last_error: How; null: it was not tried yet.
        at: When it is tried next or, of a dead one, when it was given up.
    """

    id: str
    state: Literal["pending", "dead"]
    log_id: str
    event_id: int
    type: str | None
    attempts: int
    last_error: str | None
    at: str


class DeliveryList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of deliveries that failed.

    Attributes:
        deliveries: By id.
        next_cursor: The `cursor` of the next page; null after the last one.
    """

    deliveries: list[Delivery]
    next_cursor: str | None


class ReplayBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is to be sent once more: either dead letters, or everything since a moment.

    Attributes:
        deliveries: The ids of dead letters.
        since: ISO 8601; every event from then on that the webhook is told of, execution by execution.
            In JSON it is called `from`.
        cursor: The `nextCursor` of the answer before, with the same moment.
    """

    deliveries: (
        Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=MAX_REPLAY)] | UnsetType
    ) = UNSET
    since: str | UnsetType = field(default=UNSET, name="from")
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class Replayed(Struct, frozen=True, kw_only=True, rename="camel"):
    """What will be sent once more.

    Attributes:
        replayed: How many dead letters or, since a moment, executions.
        missing: The ids of dead letters that there are none of.
        next_cursor: Ask again with it: there are more executions; null: there are none.
    """

    replayed: int
    missing: list[str]
    next_cursor: str | None


class DeadQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which dead letters are meant.

    Attributes:
        id: Of these; none means all.
    """

    id: ByCommas[str] = []


class Removed(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was removed.

    Attributes:
        removed: How many.
        more: There are more: ask again.
    """

    removed: int
    more: bool
