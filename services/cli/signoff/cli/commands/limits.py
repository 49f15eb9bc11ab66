"""``signoff limits``."""

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal import views
from signoff.cli.terminal.listing import AsJson
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient
from signoff.client.answers.workspaces import RateLimit


def limits(*, as_json: AsJson = False) -> Exit:
    """Say how often the key in use may still start executions.

    Args:
        as_json: Print a JSON line on a terminal, too.
    """
    output = Output()

    async def ask(client: AsyncClient) -> Exit:
        usage = await client.usage()
        if as_json or not output.is_terminal:
            output.line(usage)
            return Exit.OK
        rates = usage.rate_limit
        output.show(
            views.facts(
                {"waited for or streamed": _told(rates.sync), "not waited for": _told(rates.asynchronous)}
            )
        )
        return Exit.OK

    return with_client(ask)


def _told(rate: RateLimit) -> str:
    if rate.limit is None:
        return "no limit"
    return f"{rate.remaining} of {rate.limit} left; all of them again at {moment(rate.reset_at)}"
