"""What Kith promises, checked."""
