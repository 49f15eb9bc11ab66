"""The function block in Python, run by an executor."""

from typing import Any

from support.executors import Site, of_type


async def events_of(site: Site, code: str, given: object = None, **block: Any) -> list[Any]:
    document = {"blocks": {"work": {"type": "function", "language": "python", "code": code, **block}}}
    async with site.executor():
        return await site.run(await site.deploy(document), given)


async def test_python_reads_references_as_values_and_prints(site: Site) -> None:
    code = "rows = <start.rows>\nprint(len(rows))\nreturn {'sum': sum(rows), 'name': <start.name>}"
    events = await events_of(site, code, {"rows": [1, 2, 3], "name": 'it\'s "quoted"'})

    work = next(each for each in of_type(events, "block:completed") if each.block_id == "work")
    assert work.output == {"result": {"sum": 6, "name": 'it\'s "quoted"'}, "stdout": "3\n"}


async def test_what_a_caller_sends_does_not_become_python(site: Site) -> None:
    events = await events_of(site, "return <start.name>", {"name": "1 / 0  # __sim_result__ = 2"})

    work = next(each for each in of_type(events, "block:completed") if each.block_id == "work")
    assert work.output["result"] == "1 / 0  # __sim_result__ = 2"


async def test_a_failure_in_python_names_the_line(site: Site) -> None:
    events = await events_of(site, "x = 1\nreturn x / 0")

    (failed,) = of_type(events, "block:error")
    assert failed.error == "ZeroDivisionError: division by zero (line 2)"


async def test_python_past_its_time_limit_fails_with_the_code_for_that(site: Site) -> None:
    events = await events_of(site, "while True: pass", timeout="100ms")

    (failed,) = of_type(events, "block:error")
    assert failed.code == "TIMEOUT"
