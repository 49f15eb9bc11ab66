"""Objects: what a driver refuses is said in this package's words."""

from pathlib import Path

import pytest

from signoff.events.errors import BlobError
from signoff.events.objects import Objects


@pytest.mark.parametrize("path", ["a/../b", "a//b", "a\0b"])
@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_a_path_that_is_none_is_refused(tmp_path: Path, kind: str, path: str) -> None:
    objects = Objects.open("memory:" if kind == "memory" else f"file://{tmp_path}/blobs")

    with pytest.raises(BlobError, match="cannot store"):
        await objects.write(path, b"x")
    with pytest.raises(BlobError, match="cannot store"):
        await objects.create(path, b"x")
    assert await objects.paths("") == []
