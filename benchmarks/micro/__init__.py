"""What the parts of a message cost, in microseconds: ``python -m benchmarks micro``.

`command` (rounds, and the table), `pieces` (what is measured, and by which clock), and the pieces themselves: `codec`,
`hooking`, `committing`, with the `floors` that they are compared with.
"""
