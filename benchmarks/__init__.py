"""Load for Yummy servers, and what they bear: ``python -m benchmarks``.

`closed_loop` loads a server that runs already. All other commands start servers of their own and stand on the same
parts: `server` (a server as a process), `wire` and `generator` (players that are never the bottleneck), `kernel` (what
a process has used, and which cores it may use), `scripts` (what the servers run) and `figures` (arithmetic, layout).
"""
