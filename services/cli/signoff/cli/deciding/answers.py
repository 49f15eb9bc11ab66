"""A form filled in at a terminal, field by field; what was typed once is never lost."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from signoff.cli.deciding.fields import (
    Field,
    bounds_of,
    is_files,
    is_long,
    is_secret,
    kind_of,
    label_of,
    misfit,
    options_of,
    read,
    shown,
)
from signoff.cli.deciding.terminal import Terminal
from signoff.cli.terminal import views


class Answers:
    """What somebody has filled in so far.

    Args:
        form: the fields.

    Attributes:
        values: by the name of the field; one that was left out has none.
    """

    def __init__(self, form: Sequence[Field]) -> None:
        self.values: dict[str, Any] = {}
        self._form = form

    def ask(self, terminal: Terminal, fields: Iterable[Field] | None = None) -> None:
        """Ask for some fields, or for all; what was given before is what Enter takes.

        Raises:
            EOFError: there will be no more answers.
        """
        for field in self._form if fields is None else fields:
            _explain(terminal, field)
            while not self._take(terminal, field):
                pass

    def move_to(self, form: Sequence[Field]) -> list[Field]:
        """Go on with another form, and keep what fits it; gives the fields that must be asked for."""
        before = {field["name"]: field for field in self._form}
        self._form = form
        names = {field["name"] for field in form}
        self.values = {name: value for name, value in self.values.items() if name in names}
        return [
            field
            for field in form
            if field["name"] not in before or misfit(field, self.values.get(field["name"])) is not None
        ]

    def named(self, names: Iterable[str]) -> list[Field]:
        """The fields with some names."""
        wanted = set(names)
        return [field for field in self._form if field["name"] in wanted]

    def summary(self) -> RenderableType:
        """What was filled in, a line each."""
        return views.facts(
            {
                label_of(field): shown(field, self.values[field["name"]])
                if field["name"] in self.values
                else Text("left out", "dim")
                for field in self._form
            }
        )

    def _take(self, terminal: Terminal, field: Field) -> bool:
        """Ask once; whether that fits."""
        name = field["name"]
        before = self.values.get(name, field.get("value"))
        typed = _typed(terminal, field, before)
        value = read(field, typed) if typed else before
        fault = misfit(field, value)
        if fault is not None:
            terminal.say(f"  {fault}", "red")
            return False
        if value is not None:
            self.values[name] = value
        return True


def _explain(terminal: Terminal, field: Field) -> None:
    star = " *" if field.get("required") else ""
    told = "; ".join(each for each in (kind_of(field), *bounds_of(field)) if each)
    terminal.show(Text.assemble("\n", (label_of(field) + star, "bold"), (f"  {told}" if told else "", "dim")))
    for key in ("description", "placeholder"):
        if field.get(key):
            terminal.say(f"  {'such as: ' if key == 'placeholder' else ''}{field[key]}", "dim")
    for number, (_, called) in enumerate(options_of(field), start=1):
        terminal.say(f"  {number:>2}  {called}")


def _typed(terminal: Terminal, field: Field, before: Any) -> str:
    suggestion = "" if before is None else " ".join(shown(field, before).split())
    prompt = f"[{suggestion}] > " if suggestion else "> "
    if is_secret(field):
        return terminal.ask_secret(prompt)
    if is_files(field) or is_long(field):
        return terminal.ask_lines(prompt, before if isinstance(before, str) else "")
    return terminal.ask(prompt)
