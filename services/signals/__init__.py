"""The text stage: from a mail's text to an excerpt, what its writer does in it, and hints from the signature.

It stands where bodies are still at hand and must never keep or log one.
"""

from services.signals.keeping import READERS

__all__ = ["READERS"]
