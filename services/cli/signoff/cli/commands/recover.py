"""``signoff recover``."""

import asyncio
import sys
from typing import Annotated

from cyclopts import Parameter
from rich.prompt import Confirm
from rich.text import Text

from signoff.blocks import BlockError
from signoff.cli.environment import require_data, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.cli.upkeep.opening import Installation, opened
from signoff.cli.upkeep.recovery import Closed, closed_partitions, facts_of
from signoff.cli.upkeep.recovery import recover as recover_partitions
from signoff.events.bus.base import Bus
from signoff.events.errors import SignoffError
from signoff.events.topics import PARTITIONS
from signoff.events.types import PartitionRecovered, RecoveryChoice
from signoff.runtime.logs import configure_logs

_Flag = Annotated[bool, Parameter(negative="")]


def recover(
    *,
    from_topic: _Flag = False,
    reread: _Flag = False,
    skip_to_end: _Flag = False,
    partition: Annotated[list[int] | None, Parameter(consume_multiple=True, negative="")] = None,
    dry_run: _Flag = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="")] = False,
) -> Exit:
    """Decide how partitions go on whose log and topics contradict each other; they stay closed until then.

    Without a choice it lists them with what each choice means, and changes nothing. What was chosen is
    recorded in the log and on the topic (partition:recovered). Executors go on by themselves. Exit code 1
    when partitions are closed still.

    Args:
        from_topic: Put the events that the log lost back from its topic, byte for byte; go on where the log
            is, or with the first command that is held.
        reread: Give lost events up; go on with commands where the log is, or with the first that is held.
            One that was decided before is a duplicate.
        skip_to_end: Give lost events up, and all commands that were not executed yet.
        partition: Only these.
        dry_run: Only tell what would be done.
        yes: Do it, without asking.
    """
    settings = server_settings()
    if settings.kafka is None:
        raise CommandError(
            "an embedded server has no topics that could contradict its log; for a cluster set "
            "SIGNOFF_DATABASE_URL and SIGNOFF_KAFKA as its services have them"
        )
    require_data(settings)
    configure_logs(settings, stream=sys.stderr)
    choice = _choice(from_topic=from_topic, reread=reread, skip_to_end=skip_to_end)
    if unknown := [each for each in partition or () if not 0 <= each < PARTITIONS]:
        raise CommandError(f"there is no partition {unknown[0]}: they are 0 to {PARTITIONS - 1}")

    async def work() -> Exit:
        async with opened(settings) as installation:
            if installation.bus is None:
                raise CommandError("set SIGNOFF_KAFKA")
            return await _recover(
                installation, installation.bus, choice, frozenset(partition or ()), yes=yes, dry_run=dry_run
            )

    try:
        return asyncio.run(work())
    except (SignoffError, BlockError) as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error


def _choice(*, from_topic: bool, reread: bool, skip_to_end: bool) -> RecoveryChoice | None:
    choices: dict[RecoveryChoice, bool] = {
        "from-topic": from_topic,
        "reread": reread,
        "skip-to-end": skip_to_end,
    }
    chosen = [name for name, given in choices.items() if given]
    if len(chosen) > 1:
        raise CommandError("choose one of --from-topic, --reread and --skip-to-end")
    return chosen[0] if chosen else None


async def _recover(
    installation: Installation,
    bus: Bus,
    choice: RecoveryChoice | None,
    partitions: frozenset[int],
    *,
    yes: bool,
    dry_run: bool,
) -> Exit:
    output = Output()
    closed = await closed_partitions(installation.store, bus, partitions)
    if not closed:
        output.either({"closed": 0}, "No partition contradicts its topics: there is nothing to recover.")
        return Exit.OK
    if choice is None or dry_run or not (yes or sys.stdin.isatty()):
        for each in closed:
            _tell(each, choice, output)
        _say_how(closed, choice, dry_run=dry_run)
        return Exit.FAILED
    if not yes:
        for each in closed:
            _tell(each, choice, output)
        if not Confirm.ask(f"Recover {len(closed)} partitions with --{choice}?", default=False):
            return Exit.FAILED
    done = await recover_partitions(installation, bus, [each.partition for each in closed], choice)
    for recovered in done.recovered:
        _tell_done(recovered, output)
    if done.unfoldable:
        told = (
            f"signoff: {len(done.unfoldable)} executions cannot be folded: recover the other partitions too, "
            "then run `signoff doctor --rebuild`"
        )
        print(told, file=sys.stderr)  # noqa: T201 - no result
    return Exit.FAILED if done.unfoldable else Exit.OK


def _tell(closed: Closed, choice: RecoveryChoice | None, output: Output) -> None:
    facts = facts_of(closed)
    if not output.is_terminal:
        output.line(facts)
        return
    output.show(Text(f"partition {facts.partition}", "bold"))
    output.show(Text(f"  {facts.reason}"))
    for name, meaning in facts.choices.items():
        if choice in {None, name}:
            output.show(Text(f"  --{name}: {meaning}"))


def _say_how(closed: list[Closed], choice: RecoveryChoice | None, *, dry_run: bool) -> None:
    how = "add --yes"
    if choice is None:
        how = "choose --from-topic, --reread or --skip-to-end"
        if all(each.tail.flaw is None for each in closed):
            how += "; --from-topic gives up nothing that is still there"
    elif dry_run:
        how = "this was a dry run"
    events = sum(each.tail.events for each in closed)
    print(  # noqa: T201 - no result
        f"signoff: {len(closed)} partitions are closed, {events} events are on topics alone; "
        f"nothing is changed: {how}",
        file=sys.stderr,
    )


def _tell_done(recovered: PartitionRecovered, output: Output) -> None:
    output.either(
        recovered,
        f"partition {recovered.partition} goes on at command {recovered.next_offset}: "
        f"{recovered.events_restored} events put back, {recovered.events_lost} given up, "
        f"{recovered.commands_skipped} commands skipped",
    )
