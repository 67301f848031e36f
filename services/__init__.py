"""The domain; it knows schemas alone: no vendor, no queue, no clock of its own."""
