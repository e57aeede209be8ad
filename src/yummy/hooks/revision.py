"""Revisions of the scripts: what lies in the scripts folder, read once and named.

Owns which files count as scripts and which as helpers. Host side; it runs nothing. Later stages work on the texts
that were read here and never look at the disk again, so a revision is one thing however long it lives.
"""

import hashlib
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
        folder: The folder, absolute.
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
    texts: list[tuple[str, bytes]] = []
    size = 0
    for path in _source_files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            text = path.read_bytes()
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
    return Sources(str(folder.resolve()), tuple(texts))


def _source_files(folder: Path) -> list[Path]:
    found = []
    try:
        for place, folders, files in folder.walk(on_error=_refuse):
            top = place == folder
            folders[:] = sorted(name for name in folders if name.isidentifier() and _is_package(name, top=top))
            found += [place / name for name in sorted(files) if name.endswith(".py") and not (top and _is_test(name))]
    except OSError as error:
        raise _broken(
            f"the scripts folder cannot be read: {error.strerror}", folder.name, "make it readable for the server"
        ) from None
    return found


def _refuse(error: OSError) -> None:
    raise error


def _is_package(name: str, *, top: bool) -> bool:
    return name != "__pycache__" and not (top and name == DATA_FOLDER)


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


def _broken(headline: str, file: str, advice: str) -> ScriptsBroken:
    return ScriptsBroken(Trouble("broken", headline, Place(file), advice=advice))
