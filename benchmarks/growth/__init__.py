"""What a message costs the server as there is more of something: ``python -m benchmarks growth``.

`command` (rounds, and what is asked for), `dimensions` (what grows, and who plays meanwhile), `logins` (players who
come and go, and the hash that bounds them), `fit` (the exponent of a curve), `curve` (the figures) and `page`.
"""
