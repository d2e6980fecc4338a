"""The schema of the database: data only."""
