"""What a Python text imports, and which names it uses without giving them a value."""

import ast
import re
import warnings
from collections.abc import Iterator

import msgspec


class Use(msgspec.Struct, frozen=True):
    """The first use of something from outside the text.

    Attributes:
        statement: a statement that fails where it is not there: the import, or the name alone.
        line: from 1.
        column: from 1.
        guarded: within `try`, so that the text may expect the failure.
    """

    statement: str
    line: int
    column: int
    guarded: bool = False


class Uses(msgspec.Struct, frozen=True):
    """What a text uses from outside: its imports, and its free names by name."""

    imports: list[Use]
    names: dict[str, Use]


def find_uses(source: str) -> Uses:
    """Find what a text uses from outside, whichever scope it stands in.

    A text that Python's own parser does not take has none: Monty may be of a newer Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as odd escapes: nobody would read them here
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Uses([], {})
    finder = _Finder(source)
    finder.search(tree)
    names = {} if finder.everything else {n: use for n, use in finder.loaded.items() if n not in finder.bound}
    return Uses(finder.imports, names)


_LINE_END = re.compile(r"\r\n|\r|\n")


class _Finder:
    def __init__(self, source: str) -> None:
        self._lines = _LINE_END.split(source)
        self.imports: list[Use] = []
        self.loaded: dict[str, Use] = {}
        self.bound: set[str] = set()
        self.everything = False
        """Whether names may come from where we do not see: an import of all, or code in a text."""

    def search(self, tree: ast.Module) -> None:
        """Go through the tree without recursion: it is as deep as its author likes."""
        waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
        while waiting:
            node, guarded = waiting.pop()
            self._see(node, guarded=guarded)
            inner = guarded or isinstance(node, ast.Try)
            waiting += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]

    def _see(self, node: ast.AST, *, guarded: bool) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._see_import(node, guarded=guarded)
            case ast.Name(id=name, ctx=ast.Load()):
                self.loaded.setdefault(name, self._use(name, node, guarded=guarded))
                self.everything |= name in {"exec", "eval"}
            case _:
                self.bound.update(_bound_by(node))

    def _use(self, statement: str, node: ast.Name | ast.alias, *, guarded: bool) -> Use:
        before = self._lines[node.lineno - 1].encode()[: node.col_offset]  # the parser counts bytes
        return Use(statement, node.lineno, len(before.decode()) + 1, guarded)

    def _see_import(self, node: ast.Import | ast.ImportFrom, *, guarded: bool) -> None:
        start = (
            f"from {'.' * node.level}{node.module or ''} import "
            if isinstance(node, ast.ImportFrom)
            else "import "
        )
        for alias in node.names:
            self.imports.append(self._use(start + alias.name, alias, guarded=guarded))
            self.bound.add(alias.asname or alias.name.partition(".")[0])
            self.everything |= alias.name == "*"


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name):  # stored or deleted
            yield name
        case ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names
        case _:
            pass
