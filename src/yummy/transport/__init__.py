"""The transport: from sockets to whole messages, and from ready frames to sockets.

Knows neither what a message means nor how it is encoded. Everything that can go wrong in one connection stays in it.
"""

from yummy.transport.connection import Connection, Peer
from yummy.transport.frames import frame_binary, frame_text
from yummy.transport.gate import Gate
from yummy.transport.limits import TransportLimits
from yummy.transport.listener import Listener, open_listeners
from yummy.transport.server import Transport, TransportStatistics, serve
from yummy.transport.tls import load_certificate

__all__ = [
    "Connection",
    "Gate",
    "Listener",
    "Peer",
    "Transport",
    "TransportLimits",
    "TransportStatistics",
    "frame_binary",
    "frame_text",
    "load_certificate",
    "open_listeners",
    "serve",
]
