"""A source file of the scripts folder, read as a syntax tree, and places in it.

Owns how positions of the tree become those of a report: Python counts columns in bytes, people in characters.
"""

import ast
import warnings
from typing import Protocol

from attrs import frozen

from yummy.hooks.finder import module_name
from yummy.hooks.report import Place
from yummy.hooks.revision import Sources, is_script


class Positioned(Protocol):
    """A part of a syntax tree that says where it stands; all in lines from 1 and bytes from 0."""

    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


@frozen(eq=False)
class SourceFile:
    """A source file that Python can read.

    Attributes:
        path: Its path below the scripts folder.
        module: The name of the module that it makes.
        package: The package that the module is, or stands in; empty for a script.
        tree: Its syntax tree.
        lines: Its text.
    """

    path: str
    module: str
    package: str
    tree: ast.Module
    lines: tuple[str, ...]

    @property
    def is_script(self) -> bool:
        """Whether it is run whenever scripts are loaded."""
        return is_script(self.path)

    def place(self, node: Positioned, function: str = "") -> Place:
        """Where a part of the tree stands.

        Args:
            node: The part; of one that has several lines, the first is shown.
            function: The function that it stands in.
        """
        source = self.line(node.lineno)
        encoded = source.encode()
        ends_here = node.end_lineno in {None, node.lineno}
        last = node.end_col_offset if ends_here and node.end_col_offset is not None else len(encoded)
        column, end = (len(encoded[:offset].decode(errors="replace")) for offset in (node.col_offset, last))
        return Place(self.path, node.lineno, source, column, end, function)

    def line(self, number: int) -> str:
        """A line of the text, counted from 1; empty where there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


def source_files(sources: Sources) -> tuple[SourceFile, ...]:
    """The files that can be read. Those that cannot are the business of a load, which says why."""
    return tuple(file for path, text in sources.texts if (file := _source_file(path, text)) is not None)


def text_lines(text: bytes) -> tuple[str, ...]:
    """The lines of a source text."""
    # As the hook engine quotes lines: a declared encoding is worth nothing but wrong letters.
    return tuple(text.decode("utf-8-sig", "replace").splitlines())


def _source_file(path: str, text: bytes) -> SourceFile | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a load tells of them
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    name, is_package = module_name(path)
    package = name if is_package else name.rpartition(".")[0] if "/" in path else ""
    return SourceFile(path, name, package, tree, text_lines(text))
