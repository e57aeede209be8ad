"""The wire protocol: messages as attrs classes, their two encodings, and the table of errors.

Pure: nothing in this package knows of sockets, rooms' rules or the event loop.
"""
