"""Pools made by hand, and how they become ours."""
