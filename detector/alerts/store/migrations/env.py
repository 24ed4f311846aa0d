"""Runs the migrations on the connection that is handed over; there is no configuration file."""

from alembic import context

from detector.alerts.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
