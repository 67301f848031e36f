"""The follow-up engine, rule by rule and as a whole."""
