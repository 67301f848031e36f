"""Alembic's entry: runs migrations on the connection it is handed."""

from alembic import context

from services.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
