"""Where requests come from."""

from aiohttp import web

from signoff.gateway.gateway import GATEWAY
from signoff.runtime.proxies import client_address


def address_of(request: web.Request) -> str:
    """The address of a request's client, as trusted proxies tell it; empty where they are gone."""
    forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", []))
    return client_address(request.remote, forwarded_for, request.app[GATEWAY].settings.trusted_proxies)
