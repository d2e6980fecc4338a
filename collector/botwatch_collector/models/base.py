"""What every table has in common: it is bound to the one database."""

import peewee

from ..db import database


class Table(peewee.Model):
    """Base of the models; the schema itself is in `sql/migrations`, and a test compares the two."""

    class Meta:
        database = database
        legacy_table_names = False
