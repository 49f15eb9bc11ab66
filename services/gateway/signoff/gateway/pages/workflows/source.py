"""A definition as text that people read: YAML, with texts of several lines line by line."""

from typing import Any, Final, cast

import yaml

from signoff.events.types import Json

_WIDTH: Final = 110
_Dumper: Final[Any] = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper


class _Writer(_Dumper):  # type: ignore[misc]
    """Writes each value in full: an anchor would send its reader to another place."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _text(writer: Any, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return cast("yaml.ScalarNode", writer.represent_scalar("tag:yaml.org,2002:str", text, style=style))


_Writer.add_representer(str, _text)


def as_yaml(document: Json) -> str:
    """A definition as YAML; its keys stay in order. Takes up to a second for a large one."""
    return yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=_WIDTH)
