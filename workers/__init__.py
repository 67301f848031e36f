"""When it happens: broker, actors, relay and schedule; they hold no rules and no SQL."""
