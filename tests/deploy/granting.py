"""A process that asks for an account's access token and says it: `python -m tests.deploy.granting HOME ACCOUNT`."""

import os
import sys

from deploy.grants import Tokens
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.errors import KithError
from services import accounts
from tests.cli.vendor import vendor_connectors


def run(home: str, account: str) -> int:
    """Print the token, or why there is none."""
    app = Application(read_settings(home, os.environ), vendor_connectors())
    with app.store.read() as unit:
        found = accounts.account_of(unit, 1, account)
    assert found is not None
    try:
        token = Tokens(app, found).token()
    except KithError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()
    if len(sys.argv) > 3:
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1], sys.argv[2]))
