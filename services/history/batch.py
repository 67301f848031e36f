"""What a run of events changes in the derived tables, gathered in memory before it is written in one go."""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from schemas.ids import key64
from services.identity.keys import OWNER_KEY, email_key, identity_key, mailbox_key, own_mailbox_key
from services.store.history import InteractionRow, TopicRow


@lru_cache(maxsize=65_536)
def node_key(name: str) -> int:
    """The key of a thread's node: a Message-ID or a provider's thread id."""
    return key64("node", name)


@dataclass
class OwnerKeys:
    """How the owner is known: mailbox keys without tags, and profile slugs."""

    mailboxes: set[str] = field(default_factory=set)
    slugs: set[str] = field(default_factory=set)
    name: str = ""

    def owns(self, address: str) -> bool:
        """Whether an address is the owner's own."""
        return own_mailbox_key(address) in self.mailboxes


@dataclass
class Batch:
    """Rows and counts to add, and what to take away; `sign` is +1 for a record that holds, -1 for one that did."""

    owner: OwnerKeys
    identities: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    tallies: Counter[tuple[int, str, str, int, int]] = field(default_factory=Counter)
    links: Counter[tuple[int, int]] = field(default_factory=Counter)
    interactions: dict[int, tuple[InteractionRow, list[tuple[int, int]]]] = field(default_factory=dict)
    again: dict[int, list[tuple[InteractionRow, list[tuple[int, int]]]]] = field(default_factory=dict)
    """What later events of the batch tell of the same interactions: another account's copy of a mail, say."""
    dropped: set[int] = field(default_factory=set)
    bonds: list[tuple[int, ...]] = field(default_factory=list)
    """Nodes of one thread; the first is the message's own."""
    topics: list[TopicRow] = field(default_factory=list)
    in_thread: dict[int, int] = field(default_factory=dict)
    """Interaction key to the node it hangs on."""
    touched: set[int] = field(default_factory=set)
    """Identities whose people must be told anew."""
    groups: set[int] = field(default_factory=set)
    components: dict[tuple[int, int, int], int | None] = field(default_factory=dict)
    words: dict[int, tuple[str, bytes] | None] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    """Interaction id to what a search finds it by."""
    joins_changed: bool = False
    everybody_changed: bool = False
    """Something was said that any person's row may rest on: who the owner is, a domain's verdict, a whole export."""

    def address(self, address: str, source: str) -> int:
        """The identity key of an address, 0 for the owner's; makes the identity."""
        if self.owner.owns(address):
            return OWNER_KEY
        key = email_key(address)
        if key not in self.identities:
            self.identities[key] = ("email", mailbox_key(address), source)
        return key

    def identity(self, kind: str, value: str, source: str) -> int:
        """The identity key of any other key, 0 for the owner's; makes the identity."""
        if kind == "email":
            return self.address(value, source)
        if kind == "linkedin" and value in self.owner.slugs:
            return OWNER_KEY
        key = identity_key(kind, value)
        if key not in self.identities:
            self.identities[key] = (kind, value, source)
        return key

    def say(self, identity: int, what: str, value: str, sign: int, rank: int = 0, at: int = 0) -> None:
        """Count one saying about an identity; what is said of the owner is not kept."""
        if identity != OWNER_KEY and value:
            self.tallies[identity, what, value, rank, at] += sign
            self.touched.add(identity)

    def join(self, a: int, b: int, sign: int) -> None:
        """Count one hard link between two identities."""
        if OWNER_KEY not in {a, b} and a != b:
            self.links[min(a, b), max(a, b)] += sign
            self.joins_changed = True

    def hold(self, key: int, name: str, sign: int) -> None:
        """Count one name under which a card holds an address or a phone; a profile is nobody else's."""
        if key != OWNER_KEY and self.identities[key][0] in {"email", "phone"}:
            self.say(key, "holder", name, sign)
            self.joins_changed = True

    def happened(self, row: InteractionRow, parts: list[tuple[int, int]]) -> None:
        """An interaction with those who took part, the owner left out; of several tellings the first stays."""
        first = self.interactions.setdefault(row.key, (row, parts))
        if first[0].id != row.id:
            self.again.setdefault(row.key, []).append((row, parts))
        self.touched.update(key for key, _ in parts)

    def taken_back(self, key: int, event: int, parts: list[tuple[int, int]]) -> None:
        """What an event told of an interaction is so no more; where others tell of it as well, the next of them stays."""
        self.dropped.add(event)
        others = [one for one in self.again.pop(key, []) if one[0].id != event]
        first = self.interactions.get(key)
        if first is not None and first[0].id == event:
            del self.interactions[key]
            if others:
                self.interactions[key] = others.pop(0)
        if others:
            self.again[key] = others
        self.texts.pop(event, None)
        self.touched.update(one for one, _ in parts)
