"""``signoff hooks``: outgoing webhooks, and what became of their deliveries."""

from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal import views
from signoff.cli.terminal.listing import AsJson, Limit, first, show_all, show_one
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, Hook, NewHook

_NOTE = "its secret is shown this once: keep it"


def list_hooks(*, as_json: AsJson = False) -> Exit:
    """List the webhooks of the workspace.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show_them(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda hook: hook.hook_id,
            "URL": lambda hook: hook.url,
            "TYPES": lambda hook: hook.types or "the main ones",
            "WORKFLOWS": lambda hook: hook.workflow_ids or "all",
            "ON": lambda hook: hook.enabled,
        }
        await show_all(client.hooks.list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show_them)


def create(
    url: str, *, types: list[str] | None = None, workflow: list[str] | None = None, as_json: AsJson = False
) -> Exit:
    """Make a webhook, and show the secret that it signs with, once.

    Args:
        url: That receives, by POST.
        types: Events of this type, such as pause:opened; may be given again. The main ones of executions and
            pauses where it is left away.
        workflow: Of this workflow only; may be given again.
        as_json: Print a JSON line on a terminal, too.
    """

    async def make(client: AsyncClient) -> Exit:
        _tell_secret(
            await client.hooks.create(url, types=types or (), workflow_ids=workflow or ()), as_json=as_json
        )
        return Exit.OK

    return with_client(make)


def show(hook: str, *, as_json: AsJson = False) -> Exit:
    """Show a webhook, without what its URL's query says.

    Args:
        hook: The webhook's id.
        as_json: Print a JSON line on a terminal, too.
    """
    output = Output()

    async def look(client: AsyncClient) -> Exit:
        found = await client.hooks.get(hook)
        if as_json or not output.is_terminal:
            output.line(found)
        else:
            output.show(views.facts(_facts(found)))
        return Exit.OK

    return with_client(look)


def enable(hook: str) -> Exit:
    """Send to a webhook again. What happened while it was off is not sent.

    Args:
        hook: The webhook's id.
    """
    return _switch(hook, enabled=True)


def disable(hook: str) -> Exit:
    """Send nothing to a webhook until it is enabled.

    Args:
        hook: The webhook's id.
    """
    return _switch(hook, enabled=False)


def rotate(hook: str, *, as_json: AsJson = False) -> Exit:
    """Give a webhook another secret, and show it, once. For a day the old one signs, too.

    Args:
        hook: The webhook's id.
        as_json: Print a JSON line on a terminal, too.
    """

    async def give(client: AsyncClient) -> Exit:
        _tell_secret(await client.hooks.rotate(hook), as_json=as_json)
        return Exit.OK

    return with_client(give)


def test(hook: str) -> Exit:
    """Send a signed test event now, and say how it was answered. Exit code 1 when it was not taken.

    Args:
        hook: The webhook's id.
    """

    async def send(client: AsyncClient) -> Exit:
        answer = await client.hooks.test(hook)
        if answer.delivered:
            text = f"taken, with {answer.status} after {answer.duration_ms:.0f} ms"
        else:
            text = f"not taken: {answer.error or f'it was answered with {answer.status}'}"
        Output().either(answer, text)
        return Exit.OK if answer.delivered else Exit.FAILED

    return with_client(send)


def deliveries(hook: str, *, dead: bool = False, limit: Limit = 100, as_json: AsJson = False) -> Exit:
    """List the deliveries that failed and are tried again or, with --dead, were given up.

    Args:
        hook: The webhook's id.
        dead: Those that were given up.
        limit: How many at most.
        as_json: Print JSON lines on a terminal, too.
    """

    async def show_them(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda delivery: delivery.id,
            "EVENT": lambda delivery: delivery.type,
            "FAILED": lambda delivery: delivery.attempts,
            "GIVEN UP" if dead else "NEXT": lambda delivery: moment(delivery.at),
            "LAST ERROR": lambda delivery: delivery.last_error,
        }
        failed = client.hooks.deliveries(hook, state="dead" if dead else "pending")
        await show_all(first(failed, limit), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show_them)


def replay(hook: str, *delivery: str, since: str | None = None) -> Exit:
    """Send dead deliveries again, or everything since a moment. They keep their ids.

    Args:
        hook: The webhook's id.
        delivery: The ids of dead deliveries.
        since: Send everything since this moment, ISO 8601, of each execution in order.
    """
    if bool(delivery) == (since is not None):
        raise CommandError(
            "say what to send again: --since with a moment, or ids of `signoff hooks deliveries --dead`"
        )

    async def send(client: AsyncClient) -> Exit:
        replayed = await client.hooks.replay(hook, deliveries=delivery, since=since)
        count, missing = replayed.replayed, list(replayed.missing)
        while replayed.next_cursor is not None:
            replayed = await client.hooks.replay(hook, since=since, cursor=replayed.next_cursor)
            count += replayed.replayed
        what = "executions" if since else "deliveries"
        lacking = "".join(f"\nthere is no dead delivery {each}" for each in missing)
        Output().either({"replayed": count, "missing": missing}, f"sends {count} {what} again{lacking}")
        return Exit.REFUSED if missing else Exit.OK

    return with_client(send)


def remove(hook: str) -> Exit:
    """Remove a webhook: nothing is sent to it any more.

    Args:
        hook: The webhook's id.
    """

    async def end(client: AsyncClient) -> Exit:
        await client.hooks.remove(hook)
        Output().either({"removed": hook}, f"{hook} is removed")
        return Exit.OK

    return with_client(end)


def _switch(hook: str, *, enabled: bool) -> Exit:
    async def change(client: AsyncClient) -> Exit:
        was = await client.hooks.get(hook)
        changed = await client.hooks.update(
            hook, types=was.types, workflow_ids=was.workflow_ids, enabled=enabled
        )
        Output().either(changed, f"{changed.url} is {'on' if changed.enabled else 'off'}")
        return Exit.OK

    return with_client(change)


def _tell_secret(hook: NewHook, *, as_json: bool) -> None:
    show_one(hook, f"{hook.secret}\n{hook.url} is webhook {hook.hook_id}; {_NOTE}", Output(), as_json=as_json)


def _facts(hook: Hook) -> dict[str, str]:
    rows = {
        "webhook": hook.hook_id,
        "url": hook.url,
        "types": ", ".join(hook.types) or "the main ones",
        "workflows": ", ".join(hook.workflow_ids) or "all",
        "on": "yes" if hook.enabled else "no",
        "set": moment(hook.set_at),
        "the secret before signs until": moment(hook.previous_secret_until),
    }
    return {name: value for name, value in rows.items() if value}
