"""What is wrong with a definition's file, found without a server and said as a deploy says it."""

from pathlib import Path

from msgspec import Struct

from signoff.blocks import Registry
from signoff.cli.documents import read_document
from signoff.cli.positions import Positions, read_positions
from signoff.engine.faults import Fault
from signoff.engine.parse import parse
from signoff.gateway.bodies import decode_json
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.yaml_text import decode_yaml


class Remark(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One fault or warning of a file; ``line`` counts from 1."""

    file: str
    severity: str
    message: str
    path: str = ""
    hint: str | None = None
    line: int | None = None


def lint_file(file: Path, *, types: Registry) -> list[Remark]:
    """Reads and checks a definition.

    Args:
        file: YAML, or JSON where its name ends so.
        types: the registered Python blocks.

    Returns:
        All faults, then all warnings.

    Raises:
        CommandError: the file cannot be read.
    """
    raw = read_document(file, file.stem).raw
    is_json = file.suffix == ".json"
    try:
        document = decode_json(raw) if is_json else decode_yaml(raw)
    except ApiError as error:
        details = error.details or [Detail("", str(error))]
        return [Remark(str(file), "fault", each.message, each.path, each.hint) for each in details]
    parsed = parse(document, types=types.output_fields, workflow_id=file.stem)
    positions = read_positions(raw.decode(), is_json=is_json)
    twice = [Fault(path, "stands twice in one object") for path in positions.twice]
    return [
        *(_remark(file, "fault", each, positions) for each in twice),
        *(_remark(file, "fault", each, positions) for each in parsed.faults),
        *(_remark(file, "warning", each, positions) for each in parsed.warnings),
    ]


def _remark(file: Path, severity: str, fault: Fault, positions: Positions) -> Remark:
    return Remark(str(file), severity, fault.message, fault.path, fault.hint, positions.line(fault.path))
