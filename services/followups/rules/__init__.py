"""The rules: one module each, a pure function from the facts to the reasons it finds in them."""
