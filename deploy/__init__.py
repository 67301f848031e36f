"""What is put on a machine: settings, wiring and the `kith` command; it holds no rules."""
