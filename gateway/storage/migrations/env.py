"""Runs the migrations over the connection that `migrate.upgrade` opened its transaction on."""

from alembic import context

from gateway.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
