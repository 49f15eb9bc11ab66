"""Many seeds, each in a process of its own: every one begins with the very same state of this process."""

import gc
import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from simulation.run import Result

_PIECE: Final = 1 << 16
_decode: Final = msgspec.msgpack.Decoder(Result).decode
_encode: Final = msgspec.msgpack.Encoder().encode


def run_all(seeds: Iterable[int], simulate: Callable[[int], Result], *, at_once: int) -> Iterator[Result]:
    """Simulate seeds, some at once; results come in the order of the seeds.

    A child leaves without cleaning up: what its world's dead processes left behind must not run.

    Args:
        seeds: any number of them.
        simulate: runs one.
        at_once: processes.
    """
    gc.collect()
    gc.freeze()
    running: list[tuple[int, int, int]] = []
    for seed in seeds:
        running.append((seed, *_fork(seed, simulate)))
        if len(running) >= at_once:
            yield _result_of(*running.pop(0))
    for each in running:
        yield _result_of(*each)


def _fork(seed: int, simulate: Callable[[int], Result]) -> tuple[int, int]:
    reads, writes = os.pipe()
    child = os.fork()
    if child:
        os.close(writes)
        return child, reads
    os.close(reads)
    gc.disable()  # when cycles are collected depends on what ran before
    try:
        raw = _encode(simulate(seed))
    except BaseException:  # noqa: BLE001  (it is told to whoever asked, and this process ends here)
        raw = _encode(failed(seed, traceback.format_exc()))
    try:
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(raw)
    finally:
        os._exit(0)  # also when who asked is gone: a seed before this one was broken


def _result_of(seed: int, child: int, reads: int) -> Result:
    with os.fdopen(reads, "rb") as pipe:
        raw = b"".join(iter(lambda: pipe.read(_PIECE), b""))
    _, status = os.waitpid(child, 0)
    if not raw:
        return failed(seed, f"the process that ran it ended with {status}")
    return _decode(raw)


def failed(seed: int, why: str) -> Result:
    """What is told of a seed that did not come to its end."""
    return Result(seed=seed, digest="", broken=[why], trace=[], began=False, steps=0, seconds=0.0, events=0)
