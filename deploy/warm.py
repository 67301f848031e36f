"""What a parsing process needs, loaded once in the server that forks them all; importing this is its whole use.

It never opens a database: SQLite's connections must not cross a fork.
"""

import connectors.eml
import connectors.maildir
import connectors.mbox  # noqa: F401
from services.signals import model

model.load()
