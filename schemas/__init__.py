"""The vocabulary every room shares; it does no I/O and holds no rules."""
