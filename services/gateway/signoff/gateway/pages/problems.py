"""What is wrong with a form, for the page that shows it again."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from signoff.gateway.errors import ApiError


class Problems(Struct, frozen=True):
    """Why a form was not taken.

    Attributes:
        summary: of the whole form; empty where nothing is wrong.
        fields: by the name of the field.
    """

    summary: str = ""
    fields: Mapping[str, str] = {}

    def of(self, name: str) -> str:
        """What is wrong with a field; empty where nothing is."""
        return self.fields.get(name, "")


NONE: Final = Problems()


def problems_of(error: ApiError) -> Problems:
    """A refusal of the API as a form shows it."""
    return Problems(str(error), {detail.path: detail.message for detail in error.details})
