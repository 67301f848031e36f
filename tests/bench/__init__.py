"""The benchmark: Kith beside notmuch and mu on one corpus, in one run (`make bench`)."""
