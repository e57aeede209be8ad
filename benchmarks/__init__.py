"""Load for Yummy servers, and what they bear: ``python -m benchmarks``.

Everything stands on the same parts: `frames` and `wire` (what goes over a connection), `generator` (players in one
loop), `histogram` and `figures` (arithmetic), `kernel` (what a process has used, and which cores it may use).

`run` loads a server that runs already. The way of such a load: `run` (what is asked for), `plan` (of each process),
`load` (the processes as seen from outside), `worker` (one of them from inside), `scenarios` (what its players do),
`outcome` (what came of it), and `wording`, `page` with `plots`, and `comparing` (how that is told).

The other commands start servers of their own, by `server` with the texts of `scripts`; `peers` starts others, too, and
`growth` measures Yummy with the players of `peers`.
"""
