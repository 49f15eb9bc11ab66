"""The clock of one process, set wrong while it runs, by libfaketime.

    clock = FakeClock(folder / "clock")
    process.start(command, environment={**os.environ, **clock.environment}, folder=folder)
    clock.set(ahead=3600.0)                            # from its next look on the process is an hour ahead
    clock.set(ahead=-3600.0)                           # … and an hour behind
    clock.set(ahead=0.0)

The time of day is wrong; time spans are right, as when somebody sets a machine's clock. With
`FakeClock(…, spans_too=True)` the monotonic clock jumps as well, as after a machine was asleep, and like that
one it cannot go back.

It needs libfaketime (on Debian `deploy/local/requirements faketime`); without, `FakeClockError` says so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_LIBRARIES: Final = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib*/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)


class FakeClockError(Exception):
    """This machine cannot set a process's clock wrong; the message says what is missing."""


class FakeClock:
    """What a process takes for the time.

    Args:
        file: where it reads how wrong it is; made, and right, at first.
        spans_too: whether the monotonic clock jumps as well.

    Attributes:
        environment: what to add to the environment of the process.

    Raises:
        FakeClockError: libfaketime is missing.
    """

    def __init__(self, file: Path, *, spans_too: bool = False) -> None:
        self._file = file
        self._spans_too = spans_too
        self._ahead = 0.0
        self.set(ahead=0.0)
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "0" if spans_too else "1",
        }

    def set(self, *, ahead: float) -> None:
        """Set the clock.

        Args:
            ahead: seconds before the right time; negative when it is behind.

        Raises:
            ValueError: a monotonic clock would go back.
        """
        if self._spans_too and ahead < self._ahead:
            raise ValueError("a monotonic clock does not go back: set it ahead only")
        self._ahead = ahead
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{ahead:+.3f}\n")
        fresh.replace(self._file)  # read at any moment, and never half written


def _library() -> Path:
    for pattern in _LIBRARIES:
        if found := sorted(Path("/").glob(pattern.removeprefix("/"))):
            return found[0]
    raise FakeClockError("libfaketime is missing: `deploy/local/requirements faketime` (on Debian)")
