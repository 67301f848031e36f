"""Mail servers on the loopback: aiosmtpd with a memory, and one that says what a script says."""
# ruff: noqa: N802  # aiosmtpd finds its hooks by their names

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import trustme
from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import Struct, field

PASSWORD = "correct horse"
TOKEN = "ya29.token"


class Taken(Struct, frozen=True):
    """A mail that was handed over whole."""

    sender: str
    to: list[str]
    options: list[str]
    content: bytes


class Behaviour(Struct):
    """What the server does out of the ordinary, by stage: `MAIL`, `RCPT`, `DATA`, `AUTH` or `NOOP`."""

    says: dict[str, str] = field(default_factory=dict)
    drops: set[str] = field(default_factory=set)
    hangs: set[str] = field(default_factory=set)
    without: set[str] = field(default_factory=set)
    """Extensions that it does not offer."""
    sign_in: str = ""
    """The only way to sign in, where it is but one."""
    taken: list[Taken] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    """What was asked of it, in order."""


class _Handler:
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def _at(self, stage: str, server: SMTP) -> str | None:
        self._behaviour.stages.append(stage)
        if stage in self._behaviour.hangs:
            await asyncio.Event().wait()
        if stage in self._behaviour.drops and server.transport is not None:
            server.transport.close()
        return self._behaviour.says.get(stage)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._behaviour.stages.append("EHLO")
        if self._behaviour.sign_in:
            only = f"250-AUTH {self._behaviour.sign_in}"
            responses = [only if one[4:].startswith("AUTH") else one for one in responses]
        kept = [one for one in responses if one[4:].split()[0].upper() not in self._behaviour.without]
        return [f"250{' ' if one is kept[-1] else '-'}{one[4:]}" for one in kept]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = await self._at("MAIL", server)
        if not session.authenticated:
            said = "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return said or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        said = await self._at("RCPT", server)
        envelope.rcpt_tos.append(address)
        return said or "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        assert envelope.mail_from is not None
        if "DATA" not in self._behaviour.says.keys() | self._behaviour.hangs:
            taken = Taken(envelope.mail_from, list(envelope.rcpt_tos), list(envelope.mail_options), content)
            self._behaviour.taken.append(taken)
        return await self._at("DATA", server) or "250 OK"

    async def handle_NOOP(self, server: SMTP, _session: Session, _envelope: Envelope, _arg: str) -> str:
        return await self._at("NOOP", server) or "250 OK"

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:
        return await self._at("QUIT", server) or "221 Bye"

    async def handle_AUTH(
        self, server: SMTP, _session: Session, _envelope: Envelope, _args: list[str]
    ) -> object:
        return await self._at("AUTH", server) or MISSING

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]).decode()
        if said == f"user=mara@example.com\x01auth=Bearer {TOKEN}\x01\x01":
            return AuthResult(success=True)
        await server.push("334 eyJzdGF0dXMiOiI0MDAifQ==")
        await server._reader.readline()
        return AuthResult(success=False, handled=False)


def _knows(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
) -> AuthResult:
    is_right = (login.login, login.password) == (b"mara@example.com", PASSWORD.encode())
    return AuthResult(success=is_right, handled=False, auth_data=login)


@contextlib.contextmanager
def mail_server(
    behaviour: Behaviour,
    security: str = "tls",
    context: ssl.SSLContext | None = None,
    size: int = 1_000_000,
) -> Iterator[int]:
    """A submission server that knows one user; its port. `security` is tls, starttls or none."""
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(
            _Handler(behaviour),
            data_size_limit=size,
            enable_SMTPUTF8=True,
            hostname="mail.example.com",
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            auth_require_tls=security == "starttls",
            authenticator=_knows,
            loop=loop,
        )

    async def listen() -> asyncio.Server:
        return await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if security == "tls" else None)

    server = loop.run_until_complete(listen())
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_rest(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _rest() -> None:
    """End what is still being served."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


@contextlib.contextmanager
def scripted(script: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does with each connection what a script does; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(10)
                    script(connection)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(15)


class Authority:
    """A certificate authority of the tests' own, in a file, and what it vouches for."""

    def __init__(self, folder: Path, *names: str) -> None:
        authority = trustme.CA()
        self.file = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.file))
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issued = authority.issue_cert(*names)
        issued.configure_cert(self.context)
        self.certificate: bytes = issued.cert_chain_pems[0].bytes()
        """The server's own, in PEM."""
