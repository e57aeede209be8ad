"""Where scripts may write: the folder ``data/`` beside them, and nowhere else. Runs inside the hook interpreter.

Owns how a path that a script gave is read: what it leads to once relative parts, links and directory descriptors are
followed. It opens nothing, and runs no code of a script's own classes: a path may be of any of them.
"""

import os
import pathlib
import sys
from urllib.parse import unquote

from attrs import frozen

from yummy.hooks.revision import DATA_FOLDER

if sys.platform == "darwin":
    import fcntl

#: What stands for "no directory descriptor" in audit events.
NO_DESCRIPTOR = -1

#: Bytes that a path has at most on macOS.
_PATH_BYTES = 1024

_PlainPath = type(pathlib.Path())


@frozen
class DataFolder:
    """The folder that scripts may write in.

    Attributes:
        path: Its path, absolute and without links. It need not exist.
    """

    path: str

    @classmethod
    def of(cls, scripts: str) -> "DataFolder":
        """The one of a scripts folder, as it is now: a link that the operator made is followed, later ones are not."""
        return cls(os.path.realpath(f"{scripts}/{DATA_FOLDER}"))

    def holds(self, path: object, directory: int = NO_DESCRIPTOR) -> bool:
        """Whether what a path leads to is this folder or lies in it.

        Args:
            path: Text, bytes, a path of `pathlib` or a file descriptor.
            directory: The directory descriptor that a relative path starts from.

        Raises:
            Exception: It is nothing of these, or cannot be followed.
        """
        where = os.path.realpath(_absolute(path, directory))
        return where == self.path or self._is_below(where)

    def holds_entry(self, path: object, directory: int = NO_DESCRIPTOR) -> bool:
        """Whether the name at the end of a path stands in this folder, wherever a link of that name leads.

        The arguments and errors are those of `holds`.
        """
        return self._is_below(_entry(_absolute(path, directory)))

    def is_at(self, path: object, directory: int = NO_DESCRIPTOR) -> bool:
        """Whether a path is this folder's own. The arguments and errors are those of `holds`."""
        return _entry(_absolute(path, directory)) == self.path

    def holds_database(self, database: object) -> bool:
        """Whether SQLite would write in this folder only, or nowhere.

        Args:
            database: What `sqlite3.connect` was given.

        Raises:
            Exception: It is no path.
        """
        path = plain(database)
        if path in {"", ":memory:"}:
            return True
        if not (isinstance(path, str) and path.startswith("file:")):
            return self.holds(path)
        # Whether it is taken for a URI is not told; if it is not, it names a file in a folder named "file:".
        place, _, query = path.removeprefix("file:").partition("#")[0].partition("?")
        modes = [option for option in query.split("&") if option.startswith("mode=")]
        if "%" not in query and modes in (["mode=ro"], ["mode=memory"]):
            return True
        if place.startswith("//"):  # a host, which can only be this one
            place = "/" + place[2:].partition("/")[2]
        return unquote(place) in {"", ":memory:"} or self.holds(unquote(place))

    def _is_below(self, path: str) -> bool:
        return path.startswith(f"{self.path}/")


def plain(path: object) -> str | int:
    """A path as text, or the number of a descriptor, whatever methods a script's own class of texts has.

    Raises:
        TypeError: It is neither.
    """
    kind = type(path)
    if issubclass(kind, str):
        return str.__str__(path)
    if issubclass(kind, bytes):
        return os.fsdecode(bytes.__bytes__(path))  # type: ignore[arg-type]  # the class was looked at
    if issubclass(kind, int):
        return int.__int__(path)  # type: ignore[arg-type]  # the class was looked at
    if kind is _PlainPath:
        return str.__str__(str(path))
    raise TypeError(f"{kind} is no path")


def _absolute(path: object, directory: int) -> str:
    found = plain(path)
    if isinstance(found, int):
        return _opened(found)
    start = os.getcwd() if directory == NO_DESCRIPTOR else _opened(directory)  # noqa: PTH109  # the path is text
    return f"{start}/{found}" if not found.startswith("/") else found


def _entry(path: str) -> str:
    """A path whose folder is without links, and whose last name may be one."""
    folder, name = os.path.split(path)
    if name in {"", ".", ".."}:
        return os.path.realpath(path)
    return f"{os.path.realpath(folder).rstrip('/')}/{name}"


def _opened(descriptor: int) -> str:
    """The path of an open file."""
    if sys.platform == "darwin":  # where there is no /proc
        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_PATH_BYTES)).rstrip(b"\0"))
    return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115  # the path is text
