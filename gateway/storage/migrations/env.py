"""Runs the migrations on the connection of `migrate.upgrade` and its transaction."""

from alembic import context

from gateway.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
