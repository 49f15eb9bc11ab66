"""Files."""

from msgspec import Struct, to_builtins

from signoff.client.errors import Json


class File(Struct, frozen=True, kw_only=True):
    """A stored file: ``size`` in bytes, ``type`` its media type, ``url`` a path of the server."""

    id: str
    name: str
    url: str
    size: int
    type: str
    key: str

    def value(self) -> Json:
        """The file as a value of an input or a form."""
        return to_builtins(self)
