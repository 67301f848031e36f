"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE_TABLES = (
    """CREATE VIRTUAL TABLE search
    USING fts5(words, content='', tokenize="unicode61 remove_diacritics 2", detail=none)""",
)
POSTGRES_TABLES = (
    "CREATE TABLE search (rowid BIGINT PRIMARY KEY, owner INTEGER NOT NULL, words TSVECTOR NOT NULL)",
    "CREATE INDEX ix_search_words ON search USING gin (words)",
)


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "component",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("group", sa.BigInteger(), nullable=False, comment="key64 of the UID"),
        sa.Column("key", sa.BigInteger(), nullable=False, comment="key64(UID, RECURRENCE-ID)"),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "group", "key", "source", name=op.f("pk_component")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cursor",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "account", "stream", name=op.f("pk_cursor")),
    )
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "replaces", sa.BigInteger(), nullable=True, comment="the event that held this item until now"
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
    )
    op.create_table(
        "followup",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=True),
        sa.Column("shape", sa.LargeBinary(), nullable=False, comment="schemas.interface.Followup as JSON"),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_followup")),
    )
    op.create_table(
        "held",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False, comment="key64(source, external id)"),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_held")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "identity",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False, comment="key64(kind, value)"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False, comment="smallest identity key of the person"),
        sa.Column("is_owner", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_identity")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_identity_person", "identity", ["owner", "person"], unique=False)
    op.create_table(
        "interaction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False, comment="key64(kind, source key)"),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("direction", sa.SmallInteger(), nullable=False),
        sa.Column("owner_part", sa.SmallInteger(), nullable=False),
        sa.Column("author", sa.BigInteger(), nullable=False, comment="identity key; 0 is the owner"),
        sa.Column("thread", sa.BigInteger(), nullable=True),
        sa.Column("group_size", sa.Integer(), nullable=False),
        sa.Column(
            "is_held", sa.Boolean(), nullable=False, comment="counts once over: not cancelled, not declined"
        ),
        sa.Column(
            "signals",
            sa.SmallInteger(),
            nullable=False,
            comment="which kinds of signal its author gave, a bit each",
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="the event it is read from"),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("group", sa.BigInteger(), nullable=True, comment="meetings: key64 of the UID"),
        sa.Column("parts", sa.LargeBinary(), nullable=False, comment="who took part, services.history.parts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction")),
        sa.UniqueConstraint("owner", "key", name=op.f("uq_interaction_owner_key")),
    )
    op.create_index("ix_interaction_at", "interaction", ["owner", "at"], unique=False)
    op.create_index(
        "ix_interaction_group",
        "interaction",
        ["owner", "group"],
        unique=False,
        sqlite_where=sa.text('"group" IS NOT NULL'),
    )
    op.create_index("ix_interaction_thread", "interaction", ["owner", "thread"], unique=False)
    op.create_table(
        "lease",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_lease")),
    )
    op.create_table(
        "link",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("a", sa.BigInteger(), nullable=False),
        sa.Column("b", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "a", "b", name=op.f("pk_link")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_link_b", "link", ["owner", "b"], unique=False)
    op.create_table(
        "node",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column(
            "key", sa.BigInteger(), nullable=False, comment="key64 of a Message-ID or a provider's thread id"
        ),
        sa.Column("thread", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_node")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "owner",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
        sa.UniqueConstraint("email", name=op.f("uq_owner_email")),
    )
    op.create_table(
        "participant",
        sa.Column("identity", sa.BigInteger(), nullable=False),
        sa.Column("interaction", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("identity", "interaction", name=op.f("pk_participant")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "person",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False, comment="name, addresses, organisation: for finding"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("shape", sa.LargeBinary(), nullable=False, comment="services.people.PersonRow as JSON"),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_person")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_stale", "person", ["owner", "is_stale"], unique=False)
    op.create_table(
        "projection",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_projection")),
    )
    op.create_table(
        "reject",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_reject")),
    )
    op.create_table(
        "schedule",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_schedule")),
    )
    op.create_table(
        "tally",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("identity", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, comment="how much the source of this value is worth"),
        sa.Column(
            "at", sa.BigInteger(), nullable=False, comment="when it was said, where that decides; else 0"
        ),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "identity", "field", "value", "rank", "at", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "thread",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False, comment="smallest node key"),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_thread")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_thread_stale", "thread", ["owner", "is_stale"], unique=False)
    op.create_table(
        "word",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="the decision's event"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "seq", name=op.f("pk_word")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owner.id"], name=op.f("fk_source_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("owner", "account", "stream", name=op.f("uq_source_owner_account_stream")),
    )
    for statement in SQLITE_TABLES if op.get_bind().dialect.name == "sqlite" else POSTGRES_TABLES:
        op.execute(statement)
