"""Where the time of the event loop's thread goes: a sampling profiler, for code of many small calls.

A tracing one, such as cProfile, adds more to a step than the step takes. This one looks at the stack each
millisecond of CPU time, and weighs what it sees by the CPU time of this thread since it last looked, so that
the parts add up to the whole and other threads' work is told apart.
"""

import gc
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Self

_INTERVAL = 0.001


class Profile:
    """Samples the main thread while its block runs: `with Profile() as profile: …`."""

    def __init__(self) -> None:
        self._alone: defaultdict[CodeType, float] = defaultdict(float)
        self._within: defaultdict[CodeType, float] = defaultdict(float)
        self._thread = self._process = self._seen = 0.0
        self._collecting = self._collection_began = 0.0

    def __enter__(self) -> Self:
        self._thread = self._seen = time.thread_time()
        self._process = time.process_time()
        gc.callbacks.append(self._collect)
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        gc.callbacks.remove(self._collect)
        self._thread = time.thread_time() - self._thread
        self._process = time.process_time() - self._process

    def _collect(self, phase: str, _details: dict[str, int]) -> None:
        """Count garbage collection apart: it falls upon whatever function happens to make an object."""
        now = time.thread_time()
        if phase == "start":
            self._collection_began = now
        else:
            self._collecting += now - self._collection_began
            self._seen += now - self._collection_began

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        if frame is None or frame.f_code is Profile._collect.__code__:
            return  # the next sample takes it
        now = time.thread_time()
        weight, self._seen = now - self._seen, now
        self._alone[frame.f_code] += weight
        for code in {each.f_code for each in _stack(frame)}:
            self._within[code] += weight

    def lines(self, steps: int, *, most: int = 40) -> Iterator[str]:
        """The result as text, in microseconds of CPU for each of so many steps."""

        modules: defaultdict[str, float] = defaultdict(float)
        for code, seconds in self._alone.items():
            modules[_module(code)] += seconds
        threads = {
            "in the event loop's thread": self._thread - self._collecting,
            "in the same, collecting garbage: in none of the functions below": self._collecting,
            "in other threads": self._process - self._thread,
        }
        for title, parts in (
            ("CPU", threads),
            ("Modules by themselves", modules),
            ("Functions by themselves", _by_place(self._alone)),
            ("Functions with all that they call", _by_place(self._within)),
        ):
            yield f"\n{title}, µs a step:"
            for name, seconds in sorted(parts.items(), key=itemgetter(1), reverse=True)[:most]:
                yield f"{seconds / steps * 1e6:8.2f}  {name}"


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(code: CodeType) -> str:
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.stem}"


def _by_place(spent: Mapping[CodeType, float]) -> dict[str, float]:
    return {
        f"{_module(code)}.{code.co_qualname}:{code.co_firstlineno}": seconds
        for code, seconds in spent.items()
    }
