"""The edges, one module per outside system; they know `schemas` alone, never the database or each other."""
