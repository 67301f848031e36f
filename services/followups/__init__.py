"""Follow-ups: what the owner might do next, why, and what became of it; never a word to anybody but the owner."""

from services.followups.engine import followups
from services.followups.surfacing import surface

__all__ = ["followups", "surface"]
