"""What a parsing process needs, loaded once in the server that forks them all; importing this is its whole use.

Every process begins with the program it belongs to, so what that loads is loaded as well. It never opens a database: SQLite's
connections must not cross a fork.
"""

import click  # noqa: F401

import connectors.eml
import connectors.maildir
import connectors.mbox  # noqa: F401
import services.signals.reading  # noqa: F401
from services.signals import model

model.load()
