"""What nobody is shown again: the values of a form's secret fields."""

from signoff.engine.definitions.forms import secret_names
from signoff.engine.points.pauses import form_of
from signoff.events.escapes import MASK
from signoff.events.types import Json


def hide_secrets(response: Json, value: Json) -> Json:
    """Hide the values of a form's ``secret`` fields.

    Args:
        response: what the pause point shows, its form among it.
        value: any value about the point; such a field is hidden wherever it stands by its name.
    """
    secret = secret_names(form_of(response))
    return _hide(value, secret) if secret else value


def _hide(value: Json, names: set[str]) -> Json:
    if isinstance(value, list):
        return [_hide(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    shown = {key: MASK if key in names else _hide(each, names) for key, each in value.items()}
    if shown.get("name") in names and "value" in shown:
        shown["value"] = MASK
    return shown
