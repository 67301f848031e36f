"""The tables, for SQLite and PostgreSQL alike; every row belongs to one owner.

`event` is the truth; `held`, `cursor` and `source` keep its edge; `account` to `task` are what is done at the accounts,
and cannot be derived. All the rest is derived from it and may be dropped
and made again, ids included: keys are `schemas.ids.key64` of what they stand for. Instants are whole seconds since
1970 in UTC.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite gives rising row numbers to INTEGER PRIMARY KEY alone.
_Serial = BigInteger().with_variant(Integer, "sqlite")

# --- the truth and its edge -----------------------------------------------------------------------------------------

owner = Table(
    "owner",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

source = Table(
    "source",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("owner", ForeignKey("owner.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("stream", Text, nullable=False),
    UniqueConstraint("owner", "account", "stream"),
)

event = Table(
    "event",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("owner", Integer, nullable=False),
    Column("source", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("replaces", BigInteger, comment="the event that held this item until now"),
    Column("body", LargeBinary, nullable=False),
)

held = Table(
    "held",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", BigInteger, primary_key=True, comment="key64(source, external id)"),
    Column("source", Integer, nullable=False),
    Column("stamp", Text, nullable=False),
    Column("digest", BigInteger, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

cursor = Table(
    "cursor",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

reject = Table(
    "reject",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", BigInteger, primary_key=True),
    Column("source", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

projection = Table(
    "projection",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("as_of", BigInteger, nullable=False, default=0),
)

lease = Table(
    "lease",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

schedule = Table(
    "schedule",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("last_at", BigInteger),
)

# --- accounts and what is done at them --------------------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False, comment="schemas.connector.ConnectorSpec.account"),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False, comment="active, paused or reconnect"),
    Column("reason", Text, nullable=False, default=""),
    Column("settings", Text, nullable=False, comment="JSON"),
    Column("secret", Text, nullable=False, comment="encrypted by services.vault"),
    Column("created_at", BigInteger, nullable=False),
)

feed = Table(
    "feed",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("connector", Text, primary_key=True),
    Column("next_at", BigInteger, nullable=False, comment="when it is asked for news next"),
    Column("tried_at", BigInteger),
    Column("ok_at", BigInteger),
    Column("failures", Integer, nullable=False, default=0, comment="in a row"),
    Column("failed_at", BigInteger, comment="when the first of them was"),
    Column("reason", Text, nullable=False, default=""),
    Column(
        "is_complete", Boolean, nullable=False, default=False, comment="the first reading came to its end"
    ),
    Column("done", BigInteger, nullable=False, default=0),
    Column("total", BigInteger, nullable=False, default=0),
    Column("oldest_at", BigInteger, comment="of the items that came"),
    Column("newest_at", BigInteger, comment="of the items that came"),
    Column("remote_at", BigInteger, comment="of the newest item that the other side holds"),
    Column("checked_at", BigInteger, comment="when the other side was asked for that"),
    Column(
        "untold",
        Text,
        nullable=False,
        server_default="",
        comment="why the other side, though asked to, tells of no news",
    ),
    Column("ask_at", BigInteger, comment="not before then is it asked again to tell of news"),
)

channel = Table(
    "channel",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("connector", Text, primary_key=True),
    Column("id", Text, primary_key=True, comment="the other side's name for it"),
    Column("resource", Text, nullable=False, comment="what it is on"),
    Column("ends_at", BigInteger, nullable=False),
)

spending = Table(
    "spending",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("quota", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column(
        "key", Text, primary_key=True, comment="what it is done for: done once, however often it is asked for"
    ),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="put, update, complete, reopen or mail"),
    Column("subject", Text, nullable=False, comment="a follow-up's id, or a digest's week"),
    Column("payload", Text, nullable=False, comment="JSON"),
    Column("state", Text, nullable=False, comment="pending, in_flight, unsure, done or failed"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_outbox_state", "owner", "state", "next_at"),
)

task = Table(
    "task",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("followup", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("task_id", Text, nullable=False),
    Column("url", Text, nullable=False, default=""),
    Column("version", Text, nullable=False, default=""),
    Column("draft", Text, nullable=False, comment="schemas.connector.TaskDraft as JSON, as last written"),
    Column("state", Text, nullable=False, comment="open, done, or gone from the tool"),
    Column("written_at", BigInteger, nullable=False),
)

# --- derived: who -----------------------------------------------------------------------------------------------------

identity = Table(
    "identity",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", BigInteger, primary_key=True, comment="key64(kind, value)"),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("person", BigInteger, nullable=False, comment="smallest identity key of the person"),
    Column("is_owner", Boolean, nullable=False, default=False),
    Index("ix_identity_person", "owner", "person"),
    sqlite_with_rowid=False,
)

tally = Table(
    "tally",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("identity", BigInteger, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("rank", Integer, primary_key=True, comment="how much the source of this value is worth"),
    Column("at", BigInteger, primary_key=True, comment="when it was said, where that decides; else 0"),
    Column("n", Integer, nullable=False),
    sqlite_with_rowid=False,
)

link = Table(
    "link",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("a", BigInteger, primary_key=True),
    Column("b", BigInteger, primary_key=True),
    Column("n", Integer, nullable=False),
    Index("ix_link_b", "owner", "b"),
    sqlite_with_rowid=False,
)

word = Table(
    "word",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True, comment="the decision's event"),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", BigInteger, primary_key=True),
    Column("is_stale", Boolean, nullable=False, default=True),
    Column("name", Text, nullable=False, default=""),
    Column("folded", Text, nullable=False, default="", comment="name, addresses, organisation: for finding"),
    Column("status", Text, nullable=False, default="waiting"),
    Column("verdict", Text, nullable=False, default=""),
    Column("first_at", BigInteger),
    Column("last_at", BigInteger),
    Column("shape", LargeBinary, nullable=False, default=b"", comment="services.people.PersonRow as JSON"),
    Index("ix_person_stale", "owner", "is_stale"),
    sqlite_with_rowid=False,
)

# --- derived: what happened -----------------------------------------------------------------------------------------

interaction = Table(
    "interaction",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("owner", Integer, nullable=False),
    Column("key", BigInteger, nullable=False, comment="key64(kind, source key)"),
    Column("kind", SmallInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    Column("direction", SmallInteger, nullable=False),
    Column("owner_part", SmallInteger, nullable=False),
    Column("author", BigInteger, nullable=False, comment="identity key; 0 is the owner"),
    Column("thread", BigInteger),
    Column("group_size", Integer, nullable=False),
    Column("is_held", Boolean, nullable=False, comment="counts once over: not cancelled, not declined"),
    Column(
        "signals", SmallInteger, nullable=False, comment="which kinds of signal its author gave, a bit each"
    ),
    Column("seq", BigInteger, nullable=False, comment="the event it is read from"),
    Column("source", Integer, nullable=False),
    Column("group", BigInteger, comment="meetings: key64 of the UID"),
    Column("parts", LargeBinary, nullable=False, comment="who took part, services.history.parts"),
    UniqueConstraint("owner", "key"),
    Index("ix_interaction_thread", "owner", "thread"),
    Index("ix_interaction_at", "owner", "at"),
    Index("ix_interaction_group", "owner", "group", sqlite_where=Column("group").isnot(None)),
)

participant = Table(
    "participant",
    metadata,
    Column("identity", BigInteger, primary_key=True),
    Column("interaction", BigInteger, primary_key=True),
    Column("part", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)

copy = Table(
    "copy",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", BigInteger, primary_key=True, comment="the interaction's"),
    Column("seq", BigInteger, primary_key=True, comment="an event that tells of it again"),
    Index("ix_copy_seq", "owner", "seq"),
    sqlite_with_rowid=False,
)

node = Table(
    "node",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", BigInteger, primary_key=True, comment="key64 of a Message-ID or a provider's thread id"),
    Column("thread", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

topic = Table(
    "topic",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("is_answer", Boolean, primary_key=True, comment="it answers, and names nothing that it answers"),
    Column("key", BigInteger, primary_key=True, comment="key64(what it is about, with whom)"),
    Column("node", BigInteger, primary_key=True, comment="the message's"),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

thread = Table(
    "thread",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", BigInteger, primary_key=True, comment="smallest node key"),
    Column("merged_into", BigInteger),
    Column("is_stale", Boolean, nullable=False, default=True),
    Column("subject", Text, nullable=False, default=""),
    Column("last_at", BigInteger, nullable=False, default=0),
    Column("messages", Integer, nullable=False, default=0),
    Column("people", LargeBinary, nullable=False, default=b"[]"),
    Column("state", Text, nullable=False, default="fyi"),
    Column("since", BigInteger),
    Index("ix_thread_stale", "owner", "is_stale"),
    sqlite_with_rowid=False,
)

component = Table(
    "component",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("group", BigInteger, primary_key=True, comment="key64 of the UID"),
    Column("key", BigInteger, primary_key=True, comment="key64(UID, RECURRENCE-ID)"),
    Column("source", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

followup = Table(
    "followup",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("person", BigInteger),
    Column("shape", LargeBinary, nullable=False, comment="schemas.interface.Followup as JSON"),
)

DERIVED = (
    identity,
    tally,
    link,
    word,
    person,
    interaction,
    participant,
    copy,
    node,
    topic,
    thread,
    component,
    followup,
)
"""What a replay empties and makes again."""
