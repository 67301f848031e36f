"""The page of a home that is lived in, on a real port, behind the name that vendors know it by."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import uvicorn

from services.store.history import all_identities
from services.web.app import make_app
from tests.deploy.test_up import until
from tests.e2e.home import LivedHome
from tests.fakes.postman import Postman

PUBLIC = "https://kith.example.com"


@contextmanager
def reachable(life: LivedHome, postman: Postman) -> Iterator[None]:
    """The page answers until the block ends, and a vendor's notices find it."""
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(life.household.desk()), port=0, log_config=None, access_log=False, lifespan="off"
        )
    )
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, timedelta(seconds=20))
    port = server.servers[0].sockets[0].getsockname()[1]
    postman.routes[PUBLIC] = f"http://127.0.0.1:{port}"
    try:
        yield
    finally:
        postman.routes.clear()
        server.should_exit = True
        thread.join(timeout=10)


def is_known(life: LivedHome, address: str) -> bool:
    """Whether somebody with this address is in the book."""
    with life.app.store.read() as unit:
        return any(one.value == address for one in all_identities(unit, life.book.owner))
