"""Of feeds: why the other side tells of no news, and when it is asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.add_column(
        "feed",
        sa.Column(
            "untold",
            sa.Text(),
            nullable=False,
            server_default="",
            comment="why the other side, though asked to, tells of no news",
        ),
    )
    op.add_column(
        "feed",
        sa.Column("ask_at", sa.BigInteger(), comment="not before then is it asked again to tell of news"),
    )
    # Meetings that were called off by their titles, and keys that several people share, are told otherwise since.
    op.execute("UPDATE projection SET seq = 0")
