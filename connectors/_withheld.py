"""What is made of an item that is not handed out while others are, by every connector that asks for items one by one.

An item at which the other side fails each time would keep all that comes after it from being read, for ever; to give up
each item that fails once would lose what an outage holds back. So it counts who fails: where at least two others were
handed out for each item that was not, though it was asked for again, these are at fault themselves. They are told of as
unreadable, and not held: they come once they change, or when everything is read anew. Where more fail it is an outage.
"""

TRIES = 3
"""So often an item is asked for before it is given up."""
SPARE = 3
"""So many more than wanted are asked for of others, as some of these may be at fault too."""
_OTHERS = 2


def others_wanted(failed: int, handed_out: int) -> int:
    """How many items more have to be handed out before those that failed are at fault themselves; at least zero."""
    return max(0, _OTHERS * failed - handed_out)


def withheld(who: str, code: object) -> str:
    """Why an item is missing, as it is told among what could not be read."""
    return f"{who} does not hand it out ({code})"
