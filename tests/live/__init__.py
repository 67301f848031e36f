"""Tests at the vendors themselves, behind credentials: `python -m tests.live google`, see docs/live-tests.md.

They read, and write one list of tasks of their own, which goes again at the end.
"""
