"""The domain, through its own doors."""
