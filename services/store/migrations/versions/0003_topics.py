"""What first messages and loose answers are about, by which answers that name nothing join their threads."""

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
    # What is derived was derived without it: whoever keeps the book next makes it again from the stream.
    op.execute("UPDATE projection SET seq = 0")
