"""Yummy beside what somebody would pick instead: ``python -m benchmarks peers``.

`command` (rounds, and what is asked for), `workloads` (what there is to do), `contestants` (who does it), `talker` (a
player who counts), `seats` (how one gets into a room of each kind of server), `programs` (servers as processes, and
whether they are installed), `standing` (the figures, and what is expected of them).

The servers beside Yummy are the programs `trio_websocket_echo`, `websockets_server`, `socketio_server` and the one in
``colyseus/``. Each is what the documentation of its library would have you write for this, and nothing else.
"""
