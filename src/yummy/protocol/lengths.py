"""Lists and maps that say to hold more values than their message has bytes for.

A decoder makes room for what a list's header announces before it reads what is in it. Headers within one another, each
announcing as much as the whole message could hold, make it fill many thousand times the message's size, only to find
that nothing was there. The look here follows the headers and makes nothing.
"""

from yummy.protocol.errors import WrongFormat

SHORT = 1024
"""Bytes: the most that a message of this size can claim is a few MiB, and not worth a look."""
WIDE_MAX = 32
"""Headers of long lists and maps that are decoded without a look: each claims less than the size of the message."""

#: The first bytes of lists and maps whose length stands in a field of its own.
_WIDE = (b"\xdc", b"\xdd", b"\xde", b"\xdf")


def _shapes() -> list[tuple[int, int, int, int]]:
    """What each first byte means, by the msgpack specification's table of formats.

    Bytes of the length field, bytes that are there in any case, the length if it has no field, and how many values
    one unit of length means: 0 (it counts bytes), 1 (list) or 2 (map).
    """
    shapes = [(0, 0, 0, 0)] * 256
    for length in range(16):
        shapes[0x80 + length] = (0, 0, length, 2)
        shapes[0x90 + length] = (0, 0, length, 1)
    for length in range(32):
        shapes[0xA0 + length] = (0, length, 0, 0)
    for power, width in enumerate((1, 2, 4)):
        shapes[0xC4 + power] = (width, 0, 0, 0)  # bytes
        shapes[0xC7 + power] = (width, 1, 0, 0)  # extensions, with their type
        shapes[0xD9 + power] = (width, 0, 0, 0)  # text
    shapes[0xCA:0xD4] = [(0, size, 0, 0) for size in (4, 8, 1, 2, 4, 8, 1, 2, 4, 8)]  # numbers
    shapes[0xD4:0xD9] = [(0, 1 + size, 0, 0) for size in (1, 2, 4, 8, 16)]  # extensions of fixed size
    shapes[0xDC:0xE0] = [(2, 0, 0, 1), (4, 0, 0, 1), (2, 0, 0, 2), (4, 0, 0, 2)]
    return shapes


_SHAPES = _shapes()


def refuse_hollow(payload: bytes) -> None:
    """Refuse a msgpack payload whose lists and maps announce more values than there are bytes left.

    What else may be wrong with it is the decoder's business.

    Raises:
        WrongFormat: It does.
    """
    if len(payload) <= SHORT or sum(map(payload.count, _WIDE)) <= WIDE_MAX:
        return
    place, announced, size = 0, 1, len(payload)
    while 0 < announced <= size - place:
        width, fixed, length, values = _SHAPES[payload[place]]
        place += 1
        if width:
            length = int.from_bytes(payload[place : place + width])
        if values:
            place += width
            announced += length * values - 1
        else:
            place += width + fixed + length
            announced -= 1
    if announced:
        raise WrongFormat("a list or map that says to hold more than there is")
