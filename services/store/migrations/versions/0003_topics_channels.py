"""What messages are about, by which answers that name nothing join their threads; and channels of news."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "topic",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column(
            "is_answer",
            sa.Boolean(),
            nullable=False,
            comment="it answers, and names nothing that it answers",
        ),
        sa.Column("key", sa.BigInteger(), nullable=False, comment="key64(what it is about, with whom)"),
        sa.Column("node", sa.BigInteger(), nullable=False, comment="the message's"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "is_answer", "key", "node", name=op.f("pk_topic")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "channel",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="the other side's name for it"),
        sa.Column("resource", sa.Text(), nullable=False, comment="what it is on"),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "account", "connector", "id", name=op.f("pk_channel")),
    )
    # What is derived was derived without it: whoever keeps the book next makes it again from the stream.
    op.execute("UPDATE projection SET seq = 0")
