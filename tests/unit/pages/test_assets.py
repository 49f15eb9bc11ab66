"""Assets and templates hold together: what is named is there, and it stays light."""

import re
from importlib.resources import files
from pathlib import Path

from signoff.gateway.pages.asset_files import read_assets
from signoff.gateway.pages.site import read_site
from signoff.gateway.pages.statuses import BADGES
from signoff.gateway.pages.visitors import NAVIGATION

FOLDER = Path(str(files("signoff.gateway.pages")))
TEMPLATES = sorted((FOLDER / "templates").rglob("*.html"))
MODULES = sorted((FOLDER / "assets").glob("*.js"))
MOST_STYLE = 30_000
MOST_SCRIPT = 60 * 1024


def texts(paths: list[Path]) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def symbols() -> set[str]:
    return set(
        re.findall(r'<symbol id="([\w-]+)"', (FOLDER / "assets" / "icons.svg").read_text(encoding="utf-8"))
    )


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    named = set(re.findall(r'icon\("([\w-]+)"\)', texts(TEMPLATES + MODULES)))
    named |= {badge.icon for badge in BADGES.values()}

    assert named - symbols() == set()


def test_every_icon_of_the_sprite_is_named() -> None:
    code = texts([*TEMPLATES, *MODULES, *FOLDER.rglob("*.py")])
    words = set(re.findall(r"""["'#]([\w-]+)["']""", code))

    assert symbols() - words == set()


def test_every_module_that_is_imported_is_there() -> None:
    imported = set(re.findall(r'(?:from |import |import\()"\./([\w.-]+)"', texts(MODULES)))
    named = set(re.findall(r'asset\("?\'?([\w.-]+\.(?:js|css|svg))', texts(TEMPLATES)))

    assert (imported | named) - read_assets().by_name.keys() == set()


def test_the_shared_style_and_what_every_page_loads_are_small() -> None:
    style = read_assets().by_name["signoff.css"].body
    shared = sum(len(read_assets().by_name[name].body) for name in _loaded("page.js") | {"theme.js"})

    assert len(style) < MOST_STYLE
    assert shared < MOST_SCRIPT


def test_the_scripts_that_each_page_loads_are_small() -> None:
    for template in TEMPLATES:
        own = re.findall(r'<script type="module" src="{{ asset\("([\w.-]+)"\)', template.read_text("utf-8"))
        loaded = {"theme.js"}.union(*(_loaded(each) for each in ["page.js", *own]))

        assert sum(len(read_assets().by_name[name].body) for name in loaded) < MOST_SCRIPT, template.name


def _loaded(name: str) -> set[str]:
    text = read_assets().by_name[name].body.decode()
    found = {name}
    for each in re.findall(r'(?:from|import) "\./([\w.-]+)"', text):
        found |= _loaded(each) if each not in found else set()
    return found


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    found = [
        path.name
        for path in TEMPLATES
        if re.search(
            r"<style|\sstyle=|\son\w+=\"|https?://|<script(?![^>]*(?:src=|application/json))",
            path.read_text(encoding="utf-8"),
        )
    ]
    assert found == []
    assert "innerHTML" not in texts(MODULES)
    assert (
        re.findall(r"url\((?!\"?data:)|@import|https?://", texts([FOLDER / "assets" / "signoff.css"])) == []
    )


def test_every_template_can_be_read() -> None:
    site = read_site()

    for path in TEMPLATES:
        site.templates.get_template(str(path.relative_to(FOLDER / "templates")))
    assert [each.name for each in NAVIGATION] == ["Inbox", "Executions", "Workflows", "Settings"]
