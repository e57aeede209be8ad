"""The hook engine: game scripts in an interpreter of their own, and the server's side of it.

``calls`` holds the values that the pipeline exchanges with it and ``host`` is the way in. This package imports
nothing here, since the hook interpreter imports it too and shall stay light.
"""
