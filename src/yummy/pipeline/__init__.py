"""The way of a message: its turn, pre hooks, core, post hooks, commit.

This package knows the order of the stages and what becomes of their effects, not what a message means.
"""
