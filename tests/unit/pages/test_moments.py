"""Moments as people read them, in the same words on the server and in times.js."""

import json
from pathlib import Path

import pytest

from signoff.gateway.pages.moments import as_iso, in_clock, in_full, lasting, relative
from support import npm

NOW = 1_700_000_000.0
TIMES = Path("services/gateway/signoff/gateway/pages/assets/times.js")
HOUR, DAY = 3_600.0, 86_400.0
TOLD = {
    0.0: "just now",
    -44.0: "just now",
    30.0: "in a moment",
    -46.0: "1 minute ago",
    -89.0: "1 minute ago",
    -91.0: "2 minutes ago",
    44.9 * 60: "in 45 minutes",
    -59.4 * 60: "59 minutes ago",
    59.6 * 60: "in 1 hour",
    2.99 * HOUR: "in 3 hours",
    -3.2 * HOUR: "3 hours ago",
    -23.4 * HOUR: "23 hours ago",
    23.9 * HOUR: "in 1 day",
    1.99 * DAY: "in 2 days",
    -29.4 * DAY: "29 days ago",
    29.9 * DAY: "in 1 month",
    -344.0 * DAY: "11 months ago",
    364.0 * DAY: "in 1 year",
    -400.0 * DAY: "1 year ago",
    -800.0 * DAY: "2 years ago",
}
"""Seconds from now → what both say."""


@pytest.mark.parametrize(("away", "told"), TOLD.items())
def test_a_moment_is_told_by_its_largest_unit_to_the_nearest(away: float, told: str) -> None:
    assert relative(NOW + away, now=NOW) == told


def test_a_moment_may_be_text() -> None:
    text = as_iso(NOW)

    assert text == "2023-11-14T22:13:20.000000Z"
    assert relative(text, now=NOW + 120) == "2 minutes ago"
    assert in_full(text) == "14 Nov 2023, 22:13:20 UTC"
    assert in_clock(text) == "14 Nov, 22:13:20.000 UTC"
    assert lasting(5) == "5 s"


def test_browsers_use_the_same_words(tmp_path: Path) -> None:
    source = TIMES.read_text(encoding="utf-8").partition("function freshen")[0]
    module = tmp_path / "times.mjs"
    ask = f"""
        const [away, now] = [{json.dumps(list(TOLD))}, {NOW * 1000}];
        console.log(JSON.stringify(away.map((each) => relative(new Date(now + each * 1000), now))));
    """
    module.write_text(source + ask, encoding="utf-8")

    told = json.loads(npm.run(module, ""))

    assert told == list(TOLD.values())
