"""Revisions of the scripts: what lies in the scripts folder, read once and named.

Owns which files count as scripts and which as helpers. Host side; it runs nothing. Later stages work on the texts
that were read here and never look at the disk again, so a revision is one thing however long it lives.
"""

import hashlib
import os
import time
from pathlib import Path

from attrs import frozen

from yummy.hooks.calls import MIB, ScriptsBroken
from yummy.hooks.report import Place, Trouble

#: Bytes of source that a scripts folder may hold.
SOURCE_BYTES = 16 * MIB
#: Source files that a scripts folder may hold.
SOURCE_FILES = 2000
#: The folder that belongs to the scripts' own files, not to their source.
DATA_FOLDER = "data"

#: What the disk says of each source file without its being read: name, device, inode, times of change, size.
type Signature = tuple[tuple[str | int, ...], ...]


@frozen
class Revision:
    """One accepted load of the scripts.

    Attributes:
        number: Counted from 1 since the start of the server; 0 where there are no scripts.
        time: When it was read, in Unix seconds.
        content_hash: The same for the same files with the same content.
        files: The scripts, in the order in which their hooks run.
    """

    number: int
    time: float
    content_hash: str
    files: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.number} ({self.content_hash})"


NO_SCRIPTS = Revision(0, 0.0, "", ())


@frozen
class Sources:
    """The texts of a scripts folder.

    Attributes:
        folder: The folder, absolute. Links in it are kept, so that a link that is pointed elsewhere changes only texts.
        texts: Each source file's path below the folder, with slashes, and its bytes.
    """

    folder: str
    texts: tuple[tuple[str, bytes], ...]

    @property
    def scripts(self) -> tuple[str, ...]:
        """The files that may hold hooks, in the order in which they run."""
        return tuple(path for path, _ in self.texts if is_script(path))

    def revision(self, number: int) -> Revision:
        """What these texts are called, once they are accepted."""
        digest = hashlib.sha256()
        for path, text in self.texts:
            digest.update(b"%d %s %d " % (len(path.encode()), path.encode(), len(text)))
            digest.update(text)
        return Revision(number, time.time(), digest.hexdigest()[:12], self.scripts)


def is_script(path: str) -> bool:
    """Whether a source file may hold hooks; other files are there to be imported."""
    return "/" not in path and not path.startswith("_")


def read_sources(folder: Path) -> Sources:
    """Read a scripts folder. It may block on a slow disk.

    Args:
        folder: The scripts folder; it exists.

    Raises:
        ScriptsBroken: The folder holds too much, or something that cannot be read.
    """
    try:
        names = _source_files(folder)
    except OSError as error:
        raise _broken(
            f"the scripts folder cannot be read: {error.strerror}", folder.name, "make it readable for the server"
        ) from None
    texts: list[tuple[str, bytes]] = []
    size = 0
    for name in names:
        try:
            text = (folder / name).read_bytes()
        except FileNotFoundError:
            continue  # removed since the folder was listed: as if it had never been there
        except OSError as error:
            raise _broken(f"{name} cannot be read: {error.strerror}", name, "make it readable for the server") from None
        size += len(text)
        if size > SOURCE_BYTES or len(texts) >= SOURCE_FILES:
            raise _broken(
                f"the scripts folder holds more than {SOURCE_FILES} files or {SOURCE_BYTES // MIB} MiB of source",
                name,
                "keep only scripts and their packages there, and install libraries where Python looks for them",
            )
        texts.append((name, text))
    return Sources(os.path.abspath(folder), tuple(texts))  # noqa: PTH100  # Path.absolute() would keep ".."


def source_signature(folder: Path) -> Signature | None:
    """What differs as soon as a source file does, and costs far less than reading them. It may block on a slow disk.

    Args:
        folder: The scripts folder.

    Returns:
        None where there is no such folder. What cannot be looked at has its error instead.
    """
    try:
        names = _source_files(folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        return (("", error.errno or 0),)
    return tuple(_stamp(folder, name) for name in names)


def _stamp(folder: Path, name: str) -> tuple[str | int, ...]:
    try:
        found = os.stat(f"{folder}/{name}")  # noqa: PTH116  # ten times a second, for each file
    except OSError as error:
        return name, error.errno or 0
    return name, found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _source_files(folder: Path) -> list[str]:
    """The source files' paths below the folder, with slashes; those of a folder before those of the folders in it.

    Raises:
        OSError: The folder, or one in it, cannot be listed.
    """
    found: list[str] = []
    top = str(folder)
    # Not Path.walk(), which takes four times as long.
    for place, folders, files in os.walk(top, onerror=lambda error: _refuse(error, top)):
        below = "" if place == top else place[len(top) :].lstrip(os.sep).replace(os.sep, "/") + "/"
        folders[:] = sorted(name for name in folders if name.isidentifier() and _is_package(name, top=not below))
        found += [below + name for name in sorted(files) if name.endswith(".py") and (below or not _is_test(name))]
    return found


def _refuse(error: OSError, top: str) -> None:
    # A folder in it that was removed since it was listed is as if it had never been there.
    if not isinstance(error, FileNotFoundError) or error.filename == top:
        raise error


def _is_package(name: str, *, top: bool) -> bool:
    return name != "__pycache__" and not (top and name == DATA_FOLDER)


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


def _broken(headline: str, file: str, advice: str) -> ScriptsBroken:
    return ScriptsBroken(Trouble("broken", headline, Place(file), advice=advice))
