"""Styles, modules and icons of the pages: read once, and named by the digest of the whole set."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct

_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
"""Media types by the end of a name; no other file is served."""

_DIGEST_DIGITS: Final = 16


class Asset(Struct, frozen=True):
    """A file as it is sent: as it is, and compressed."""

    media_type: str
    body: bytes
    compressed: bytes


class Assets(Struct, frozen=True):
    """All files. In ``digest`` is the name of the set: modules import one another by relative names."""

    digest: str
    by_name: Mapping[str, Asset]

    def path(self, name: str) -> str:
        """Where a file is served.

        Raises:
            KeyError: there is no such file.
        """
        if name not in self.by_name:
            raise KeyError(f"no asset {name}: add it to pages/assets")
        return f"/assets/{self.digest}/{name}"


@cache
def read_assets() -> Assets:
    """Read the files of the package; blocks."""
    folder = files("signoff.gateway.pages").joinpath("assets")
    found: dict[str, Asset] = {}
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        media_type = _TYPES.get(file.name.rpartition(".")[2])
        if media_type is None:
            continue
        body = file.read_bytes()
        whole.update(b"%b\0%d\0%b" % (file.name.encode(), len(body), body))
        found[file.name] = Asset(media_type, body, gzip.compress(body, mtime=0))
    return Assets(whole.hexdigest()[:_DIGEST_DIGITS], found)
