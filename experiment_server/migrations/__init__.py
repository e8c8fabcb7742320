"""The schema's history; ``experiment_server.db.migrate`` runs it."""
