"""Where one block sends its requests: to the operator's endpoint, or to one of its own."""

from collections.abc import Mapping
from typing import Final

import aiohttp
from msgspec import Struct
from yarl import URL

from signoff.engine.definitions.values import to_text
from signoff.executor.blocks.base import BlockFailureError, Call, Tools
from signoff.executor.blocks.llm.params import invalid
from signoff.executor.blocks.llm.settings import DEFAULT_URL, Llm

_COMPLETIONS: Final = "/chat/completions"
_KEY_LENGTH: Final = 16
"""Characters. Local servers are given words such as ``none`` for a key: those are masked nowhere."""


class Endpoint(Struct, frozen=True):
    """Where one block sends its requests. ``repr`` leaves the key out.

    Attributes:
        url: of ``chat/completions``.
        http: the session that may reach it.
        timeout: seconds without a byte.
    """

    url: URL
    api_key: str | None
    http: aiohttp.ClientSession
    timeout: float

    @property
    def shown(self) -> str:
        """The address as errors name it: without user, password and query, which may hold keys."""
        return str(self.url.with_user(None).with_query(None))

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"


def endpoint_of(call: Call, llm: Llm, tools: Tools) -> Endpoint:
    """The endpoint of a block: its own ``endpoint``, or the operator's. Its key becomes a secret of the run.

    A block's own endpoint is reached through the address guard, with the block's ``apiKey`` or none: the
    operator's key goes to the operator's endpoint only.

    Args:
        call: whose parameters ``endpoint`` (base URL) and ``apiKey`` count.
        llm: the operator's.
        tools: for the guarded session.

    Raises:
        BlockFailureError: ``endpoint`` is no URL.
    """
    own = to_text(call.params.get("endpoint")).strip()
    key = to_text(call.params.get("apiKey")).strip() or None
    settings = llm.settings
    if own:
        endpoint = Endpoint(_completions(own), key, tools.http, settings.timeout)
    else:
        endpoint = Endpoint(_completions(settings.url), key or settings.api_key, llm.http, settings.timeout)
    if endpoint.api_key and len(endpoint.api_key) >= _KEY_LENGTH:
        call.facts.secrets.add(endpoint.api_key)
    return endpoint


def model_of(params: Mapping[str, object], llm: Llm) -> str:
    """The model that a block names, or the operator's default.

    Raises:
        BlockFailureError: neither names one.
    """
    model = to_text(params.get("model")).strip() or llm.settings.model
    if not model:
        raise invalid("No model: set the block's `model`, or SIGNOFF_LLM_MODEL")
    return model


def _completions(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:  # without the cause: its text may be the URL, with a password
        raise _no_url(text) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise _no_url(text)
    path = url.path.rstrip("/")
    return url.with_path(path if path.endswith(_COMPLETIONS) else path + _COMPLETIONS, keep_query=True)


def _no_url(text: str) -> BlockFailureError:
    shown = text.rpartition("@")[2].partition("?")[0]
    return invalid(
        f'endpoint must be the URL of an OpenAI-compatible API, such as {DEFAULT_URL}, not "{shown}"'
    )
