"""Alembic's entry: run the migrations on the connection that the server hands over."""

from alembic import context

from yummy.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
