"""The reference page: the OpenAPI document as HTML, all of it, without a script or a request elsewhere."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final

from signoff.events.schemas.structs import Schema
from signoff.events.types import Json

STYLE: Final = "/docs/reference.css"

_CODE: Final = re.compile(r"`([^`]+)`")
_LIMITS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
    "default": "{} by default",
}


def render(document: Schema) -> str:
    """The page.

    Args:
        document: from :func:`signoff.gateway.openapi.document.build`.
    """
    info = document["info"]
    operations = list(_operations(document))
    chapters = [
        (tag, [each for each in operations if tag["name"] in each[2]["tags"]]) for tag in document["tags"]
    ]
    schemas = document["components"]["schemas"]
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(info['title'])} API</title>",
            f'<link rel="stylesheet" href="{STYLE}"></head><body>',
            _navigation(chapters),
            f"<main><h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
            *(f"<p>{_prose(paragraph)}</p>" for paragraph in info["description"].split("\n\n")),
            '<p><a href="/openapi.json">openapi.json</a></p>',
            _credentials(document["components"]["securitySchemes"]),
            *(_chapter(tag, entries, document["servers"][0]["url"]) for tag, entries in chapters),
            '<h2 id="schemas">Schemas</h2>',
            *(_schema(name, schema) for name, schema in schemas.items()),
            "</main></body></html>\n",
        )
    )


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _navigation(chapters: Iterable[tuple[Schema, list[tuple[str, str, Schema]]]]) -> str:
    parts = ["<nav>"]
    for tag, entries in chapters:
        links = (
            f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["operationId"])}</a></li>'
            for _, _, operation in entries
        )
        parts.append(f"<strong>{escape(tag['name'])}</strong><ul>{''.join(links)}</ul>")
    return "".join((*parts, '<a href="#schemas">Schemas</a></nav>'))


def _credentials(schemes: Mapping[str, Schema]) -> str:
    rows = (
        (escape(name), f"{_place(scheme)}. {_prose(scheme['description'])}")
        for name, scheme in schemes.items()
    )
    return "<h2>Credentials</h2>" + _table(rows)


def _place(scheme: Schema) -> str:
    if scheme["type"] == "http":
        return "<code>Authorization: Bearer</code>"
    return f"<code>{escape(scheme['name'])}</code> ({escape(scheme['in'])})"


def _chapter(tag: Schema, entries: Iterable[tuple[str, str, Schema]], server: str) -> str:
    about = f"<p>{_prose(tag['description'])}</p>" if "description" in tag else ""
    sections = (_operation(method, path, operation, server) for method, path, operation in entries)
    return f"<h2>{escape(tag['name'])}</h2>{about}{''.join(sections)}"


def _operation(method: str, path: str, operation: Schema, server: str) -> str:
    name = escape(operation["operationId"])
    parts = [
        f'<section id="{name}"><h3><a href="#{name}">{name}</a></h3>',
        f'<p><span class="method">{method}</span> <code>{escape(path)}</code></p>',
        f"<p>{_prose(operation['summary'])} {_prose(operation.get('description', ''))}</p>",
    ]
    if operation.get("parameters"):
        parts.append("<h4>Parameters</h4>" + _table(map(_parameter, operation["parameters"])))
    if "requestBody" in operation:
        parts.append(_body(operation["requestBody"]))
    parts += [
        f"<pre>{escape(_curl(method, path, operation, server))}</pre>",
        "<h4>Answers</h4>" + _table(_answer(*each) for each in operation["responses"].items()),
        "</section>",
    ]
    return "".join(parts)


def _parameter(parameter: Schema) -> tuple[str, str, str]:
    needed = " required" if parameter["required"] else ""
    name = (
        f'<code>{escape(parameter["name"])}</code><br><span class="needed">{parameter["in"]}{needed}</span>'
    )
    return name, _type(parameter["schema"]), _prose(parameter["description"])


def _body(body: Schema) -> str:
    kinds = (
        f"<code>{escape(media)}</code>: {_type(content.get('schema', {}))}"
        for media, content in body["content"].items()
    )
    needed = " (required)" if body["required"] else ""
    return f"<h4>Body{needed}</h4><p>{_prose(body.get('description', ''))} {'; '.join(kinds)}</p>"


def _curl(method: str, path: str, operation: Schema, server: str) -> str:
    """The request as it is typed; what stands in braces is the reader's."""
    parts = ["curl"] if method == "GET" else [f"curl -X {method}"]
    parts.append(
        f"'{'$SIGNOFF_URL' if server == '/' else server}{path}'".replace("'$SIGNOFF_URL", '"$SIGNOFF_URL"\'')
    )
    if operation["security"] != [{}]:
        parts.append('-H "X-API-Key: $SIGNOFF_API_KEY"')
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        parts.append("-F file=@invoice.pdf")
    elif content:
        media, told = next(iter(content.items()))
        parts += [f"-H 'Content-Type: {media}'", f"-d {_quoted(told.get('example', {}))}"]
    return " \\\n  ".join(parts)


def _quoted(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "'" + text.replace("'", "'\\''") + "'"


def _answer(status: str, answer: Schema) -> tuple[str, str]:
    parts = [_prose(answer["description"])]
    for media, content in answer.get("content", {}).items():
        shown = "" if media == "application/json" else f"<code>{escape(media)}</code>: "
        parts.append(shown + _type(content.get("schema", {})))
        if "example" in content:
            text = json.dumps(content["example"], indent=2, ensure_ascii=False)
            parts.append(f"<pre>{escape(text)}</pre>")
    headers = answer.get("headers", {})
    if headers:
        parts.append("Headers: " + ", ".join(f"<code>{escape(name)}</code>" for name in headers))
    return f"<code>{escape(status)}</code>", "<br>".join(parts)


def _schema(name: str, schema: Schema) -> str:
    rows = (_property(key, each, schema) for key, each in schema.get("properties", {}).items())
    shown = _table(rows) if schema.get("properties") else f"<p>{_type(schema)}</p>"
    return (
        f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>'
        f"<p>{_prose(schema.get('description', ''))}</p>{shown}</section>"
    )


def _property(name: str, schema: Schema, owner: Schema) -> tuple[str, str, str]:
    needed = "" if name in owner.get("required", ()) else '<br><span class="needed">may be absent</span>'
    return f"<code>{escape(name)}</code>{needed}", _type(schema), _prose(schema.get("description", ""))


def _type(schema: Schema) -> str:
    """What a value may be, in words."""
    words = _kind(schema)
    limits = [
        text.format(f"<code>{escape(_short(schema[key]))}</code>")
        for key, text in _LIMITS.items()
        if key in schema
    ]
    return ", ".join((words, *limits))


def _kind(schema: Schema) -> str:
    match schema:
        case {"$ref": reference}:
            name = escape(reference.rpartition("/")[2])
            words = f'<a href="#schema-{name}">{name}</a>'
        case {"anyOf": members}:
            words = " or ".join(dict.fromkeys(_type(each) for each in members))
        case {"enum": values}:
            words = " or ".join(f"<code>{escape(_short(each))}</code>" for each in values)
        case {"type": "array", "items": items}:
            words = f"array of {_type(items)}"
        case {"type": "object", "additionalProperties": dict() as values}:
            words = f"object of {_type(values)}"
        case {"type": [*kinds]}:
            words = " or ".join(kinds)
        case _:
            words = schema.get("type", "any value")
    return words


def _short(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _prose(text: str) -> str:
    """Markdown with nothing but code in it."""
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))
