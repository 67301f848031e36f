"""Sample data as ordinary files: the network of `kith demo` and the corpus of the benchmark; nobody in it exists."""
