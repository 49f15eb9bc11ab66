from typing import Any

from signoff.audit.life.hiding import hide_secrets
from signoff.events.escapes import MASK


def asking(*fields: dict[str, object]) -> dict[str, Any]:
    return {"data": {"inputFormat": list(fields)}}


def test_values_of_secret_fields_are_hidden_wherever_they_stand() -> None:
    response = asking({"name": "pin", "type": "secret", "value": "0000"}, {"name": "note", "type": "string"})

    assert hide_secrets(response, {"submission": {"pin": "1234", "note": "n"}}) == {
        "submission": {"pin": MASK, "note": "n"}
    }
    assert hide_secrets(response, response)["data"]["inputFormat"][0]["value"] == MASK


def test_a_form_without_secrets_hides_nothing() -> None:
    value = {"pin": "1234"}

    assert hide_secrets(asking({"name": "pin", "type": "string"}), value) is value
