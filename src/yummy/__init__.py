"""Yummy."""
