"""``signoff schema``."""

import json
import sys

from signoff.cli.exits import Exit
from signoff.engine.recipe.schema import definition_schema
from signoff.gateway.openapi.document import build, encode
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.routes import ALL


def definition() -> Exit:
    """Print the JSON Schema of workflow definitions, for editors."""
    # Indented also where no terminal is: it is a file, not a record.
    json.dump(definition_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return Exit.OK


def openapi() -> Exit:
    """Print the OpenAPI document of the HTTP API."""
    sys.stdout.buffer.write(encode(build((*ALL, *ELSEWHERE))))
    return Exit.OK
