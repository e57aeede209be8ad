"""The text of a path from a variable to what it holds, as the author of a script would write it.

Owns how expressions and remarks are strung together: ``callbacks[0], a closure over 'model': model[1]``. It knows
nothing of objects.
"""

from attrs import define, field, frozen

from yummy.hooks.insides import shown


@frozen
class Holder:
    """Where an object is kept.

    Attributes:
        path: As the author of a script would write it.
        filename: The file name that code of the holding script bears, or None if no script holds it.
        names: The variables and attributes on the path, first to last.
        keys: The keys on the path.
        excused: Whether nothing but a debugger, or what traces the script, looks at it.
    """

    path: str
    filename: str | None = None
    names: tuple[str, ...] = ()
    keys: tuple[object, ...] = ()
    excused: bool = False


@define
class Path:
    """A path under construction.

    Attributes:
        done: What is written.
        here: The expression that is being written, which stands for the object reached so far.
        fresh: Whether ``here`` has been named by the text before it, so that it need not be repeated.
        names: The variables and attributes that the path mentions, first to last.
        keys: The keys that it mentions.
    """

    here: str
    done: str = ""
    fresh: bool = False
    names: list[str] = field(factory=list)
    keys: list[object] = field(factory=list)

    def attribute(self, name: str) -> None:
        """Go on to an attribute."""
        self.here, self.fresh = f"{self.here}.{name}", False
        self.names.append(name)

    def item(self, key: object) -> None:
        """Go on to what stands under a key or at an index."""
        self.here, self.fresh = f"{self.here}[{shown(key)}]", False
        self.keys.append(key)

    def variable(self, text: str, name: str, *, instead: bool = False) -> None:
        """Go on to a variable that no expression leads to.

        Args:
            text: What is said of it.
            name: The variable.
            instead: Whether the expression so far need not be shown.
        """
        before = "" if instead else self._shown()
        self.done = f"{before}, {text}" if before else f"{self.done}{text}"
        self.here, self.fresh = name, True
        self.names.append(name)

    def inside(self, text: str) -> None:
        """End within something that has no parts with names."""
        self.variable(text, "it")
        self.names.pop()

    def __str__(self) -> str:
        return self._shown()

    def _shown(self) -> str:
        if self.fresh:
            return self.done
        return f"{self.done}: {self.here}" if self.done else self.here
