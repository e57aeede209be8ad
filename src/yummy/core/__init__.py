"""The rules: what a message does to accounts, sessions, rooms and metadata.

Everything here works on a unit of work and is synchronous, but the prepare steps, which await services that they are
handed. Nothing here knows the event loop, sockets or SQL.
"""
