"""How the fake of Exchange stands on the wire: SOAP in and out, three ways of signing in, faults, and Microsoft's schema.

The schema is that of EWS in `KITH_SPECS`, or in `../shared/specs` beside the project: what stands in the body of each
request and of each answer is held against it, and what does not fit is kept. In a lone clone only that is left out.

NTLM is real: the server's side of it is pyspnego's, which knows users from the file that `NTLM_USER_FILE` names.
"""

import base64
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Protocol

import spnego
from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
from msgspec import Struct
from spnego.channel_bindings import GssChannelBindings

from tests.fakes.faults import PATIENCE, Faults

Element = Any
S_NS = "http://schemas.xmlsoap.org/soap/envelope/"
M_NS = "http://schemas.microsoft.com/exchange/services/2006/messages"
T_NS = "http://schemas.microsoft.com/exchange/services/2006/types"
E_NS = "http://schemas.microsoft.com/exchange/services/2006/errors"
S, M, T = f"{{{S_NS}}}", f"{{{M_NS}}}", f"{{{T_NS}}}"
_NAMES = {"s": S_NS, "m": M_NS, "t": T_NS}
PATH = "/EWS/Exchange.asmx"
_WRITES = {"CreateItem", "UpdateItem", "DeleteItem", "CreateFolder", "MoveItem"}
_BODY = 8 * 1024 * 1024


class Asked(Struct, frozen=True):
    """One request that was let in: what it asks for, and its body's element."""

    operation: str
    body: Element
    headers: Mapping[str, str]


def e(name: str, *within: Any, **attributes: str) -> Element:
    """An element `t:Name` or `m:Name`, with children or a text; what is None is left out."""
    space, _, local = name.partition(":")
    made = etree.Element(f"{{{_NAMES[space]}}}{local}", attributes, nsmap=_NAMES)
    for one in within:
        if isinstance(one, str):
            made.text = one
        elif one is not None:
            made.append(one)
    return made


class Refused(Exception):
    """What Exchange answers instead of what was asked: a code, as a message of the operation or as a SOAP fault."""

    def __init__(self, code: str, words: str = "It cannot be done.", *, is_fault: bool = False) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.is_fault = is_fault


class Dropped(Exception):
    """The connection is dropped in the middle of an answer."""


class Exchange(Protocol):
    """What the server serves."""

    user: str
    password: str
    token: str
    ways: set[str]
    faults: Faults
    asked: list[Asked]
    breaches: list[str]

    def answer(self, asked: Asked, /) -> Element | Iterator[Element]:
        """The element of the answer, or those of one that goes on; raises `Refused`."""
        ...

    def autodiscover(self, email: str, /) -> tuple[int, bytes]:
        """The status and the JSON that Autodiscover v2 gives."""
        ...


@cache
def schema() -> Any:
    """Microsoft's schema, or None where it is not to be found."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "specs"
    folder = Path(os.environ["KITH_SPECS"]) if "KITH_SPECS" in os.environ else beside
    file = folder / "ews" / "messages.xsd"
    return etree.XMLSchema(etree.parse(str(file))) if file.is_file() else None


def breaches_of(body: Element, what: str) -> list[str]:
    """What of an element is not as the schema has it."""
    rules = schema()
    if rules is None:
        return []
    alone = etree.fromstring(etree.tostring(body))
    if rules.validate(alone):
        return []
    return [f"{what}: {entry.message[:300]}" for entry in rules.error_log]


def envelope(body: Element) -> bytes:
    """An answer as it goes over the wire."""
    whole = etree.Element(f"{S}Envelope", nsmap=_NAMES)
    header = etree.SubElement(whole, f"{S}Header")
    header.append(
        e(
            "t:ServerVersionInfo",
            MajorVersion="15",
            MinorVersion="2",
            MajorBuildNumber="1544",
            MinorBuildNumber="4",
            Version="V2017_07_11",
        )
    )
    etree.SubElement(whole, f"{S}Body").append(body)
    said: bytes = etree.tostring(whole, encoding="utf-8", xml_declaration=True)
    return said


def fault(code: str, words: str, back_off: int = 0) -> bytes:
    """A SOAP fault as Exchange words it."""
    more = (
        f'<t:MessageXml xmlns:t="{T_NS}"><t:Value Name="BackOffMilliseconds">{back_off}</t:Value></t:MessageXml>'
        if back_off
        else ""
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{S_NS}"><s:Body><s:Fault>'
        f'<faultcode xmlns:a="{T_NS}">a:{code}</faultcode><faultstring xml:lang="en-US">{words}</faultstring>'
        f'<detail><e:ResponseCode xmlns:e="{E_NS}">{code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{E_NS}">{words}</e:Message>{more}</detail></s:Fault></s:Body></s:Envelope>'
    ).encode()


def message_of(operation: str, *within: Any, code: str = "NoError", words: str = "") -> Element:
    """One response message."""
    is_good = code == "NoError"
    return e(
        f"m:{operation}ResponseMessage",
        None if is_good else e("m:MessageText", words or "It cannot be done."),
        e("m:ResponseCode", code),
        None if is_good else e("m:DescriptiveLinkKey", "0"),
        *within,
        ResponseClass="Success" if is_good else "Error",
    )


def response_of(operation: str, *messages: Element) -> Element:
    """The answer that these messages make."""
    return e(f"m:{operation}Response", e("m:ResponseMessages", *messages))


class Wire:
    """The server of one fake. Bytes of answers are counted, and can be cut off after so many."""

    def __init__(
        self, exchange: Exchange, tls: ssl.SSLContext | None = None, certificate: bytes = b""
    ) -> None:
        self.exchange = exchange
        self.certificate = certificate
        """What binds NTLM to this server, in DER: with Extended Protection it insists on it."""
        self.answered = 0
        self.left: int | None = None
        self.extra: dict[str, str] = {}
        """Headers of every answer that refuses."""
        self.raw: list[tuple[str, str, Mapping[str, str], bytes]] = []
        """Every request as it came, let in or not: method, path, headers, body."""
        self.redirect = ""
        self.instead: bytes | None = None
        """The body of every answer, whatever was asked."""
        self.spoil: Callable[[bytes], bytes] = lambda said: said
        """What becomes of a good answer on its way."""
        self._tls = tls
        self.url = ""

    @contextmanager
    def serve(self) -> Iterator["Wire"]:
        """Answer on a free port of the loopback until the block ends; `url` is that of EWS."""
        server = _Server(self)
        scheme = "http"
        if self._tls is not None:
            server.socket = self._tls.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"{scheme}://127.0.0.1:{server.server_port}{PATH}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no trouble of the server's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout: ClassVar[float] = 30
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._is_signed_in = False
        self._context: Any = None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """A test run is quiet."""

    def do_GET(self) -> None:
        self._note(b"")
        path, _, query = self.path.partition("?")
        if path.lower().startswith("/autodiscover/autodiscover.json"):
            status, body = self.server.wire.exchange.autodiscover(query)
            return self._send(status, body, {"Content-Type": "application/json; charset=utf-8"})
        return self._send(404, b"")

    def do_POST(self) -> None:
        wire = self.server.wire
        exchange = wire.exchange
        sent = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _BODY))
        self._note(sent)
        operation = _operation(sent)
        has_signed = self._may_enter()
        fault_ = exchange.faults.next(is_write=operation in _WRITES) if has_signed else None
        if fault_ == "die_before":
            self.close_connection = True
            return None
        if wire.redirect:
            return self._send(302, b"", {"Location": wire.redirect})
        if self.path.partition("?")[0] != PATH:
            return self._send(404, b"")
        if not has_signed:
            return self._refuse()
        if fault_ == "429":
            return self._send(
                500, fault("ErrorServerBusy", "The server cannot service this request.", PATIENCE * 1000)
            )
        if fault_ in {"500", "503"}:
            return self._send(
                int(fault_ or 0), b"Server Error in '/EWS' Application.", {"Content-Type": "text/plain"}
            )
        status, said = self._answer(sent)
        if not isinstance(said, bytes):
            return self._stream(said)
        said = wire.spoil(said)
        if wire.instead is not None:
            status, said = 200, wire.instead
        if fault_ == "lose_answer":
            self.close_connection = True
            return None
        if fault_ == "slow":
            threading.Event().wait(0.3)
        kind = "text/xml; charset=utf-8"
        if fault_ == "web_page":
            kind, said = "text/html", b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
        return self._send(status, said, {"Content-Type": kind}, is_cut=fault_ == "cut")

    def _note(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.wire.raw.append((self.command, self.path, headers, body))

    # ------ signing in

    def _may_enter(self) -> bool:
        exchange = self.server.wire.exchange
        kind, _, told = (self.headers.get("Authorization") or "").partition(" ")
        if kind == "Basic" and "basic" in exchange.ways:
            right = f"{exchange.user}:{exchange.password}".encode()
            return base64.b64decode(told) == right
        if kind == "Bearer" and "bearer" in exchange.ways:
            return told == exchange.token
        if kind == "NTLM" and "ntlm" in exchange.ways:
            return self._take_ntlm(base64.b64decode(told))
        return self._is_signed_in

    def _take_ntlm(self, message: bytes) -> bool:
        wire = self.server.wire
        if message[8:9] == b"\x01":
            bindings = None
            if wire.certificate:
                bound = b"tls-server-end-point:" + wire.certificate
                bindings = GssChannelBindings(application_data=bound)
            self._context = spnego.server(
                protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm, channel_bindings=bindings
            )
            self._challenge = base64.b64encode(self._context.step(message)).decode()
            return False
        with suppress(spnego.exceptions.SpnegoError):
            self._context.step(message)
            self._is_signed_in = bool(self._context.complete)
        self._context = None
        return self._is_signed_in

    def _refuse(self) -> None:
        wire = self.server.wire
        offers = []
        if self._context is not None:
            offers = [f"NTLM {self._challenge}"]
        else:
            names = {"ntlm": "NTLM", "basic": 'Basic realm="127.0.0.1"', "bearer": 'Bearer client_id="x"'}
            offers = [names[way] for way in ("ntlm", "basic", "bearer") if way in wire.exchange.ways]
        self._send(401, b"", wire.extra, offers=offers)

    # ------ answers

    def _answer(self, sent: bytes) -> tuple[int, bytes | Iterator[Element]]:
        exchange = self.server.wire.exchange
        try:
            whole = etree.fromstring(sent)
            body = whole.find(f"{S}Body")[0]
        except (etree.XMLSyntaxError, TypeError, IndexError):
            return 500, fault("ErrorSchemaValidation", "The request failed schema validation.")
        operation = body.tag.removeprefix(M)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(operation, body, headers)
        exchange.breaches += breaches_of(body, f"request {operation}")
        try:
            said = exchange.answer(asked)
        except Refused as error:
            if error.is_fault:
                return 500, fault(error.code, error.words)
            empty = {"CreateItem": "m:Items", "UpdateItem": "m:Items", "CreateFolder": "m:Folders"}.get(
                operation
            )
            within = e(empty) if empty else None
            said = response_of(operation, message_of(operation, within, code=error.code, words=error.words))
        if isinstance(said, Iterator):
            return 200, said
        exchange.breaches += breaches_of(said, f"answer to {operation}")
        return 200, envelope(said)

    def _stream(self, said: Iterator[Element]) -> None:
        """An answer that goes on, each of its envelopes in a chunk of its own as it comes to be."""
        wire = self.server.wire
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        try:
            for one in said:
                wire.exchange.breaches += breaches_of(one, "told of events")
                self._chunk(wire.spoil(envelope(one)))
        except (Dropped, OSError):
            self.close_connection = True
        else:
            self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()
        self.server.wire.answered += len(data)

    def _send(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        offers: list[str] | None = None,
        is_cut: bool = False,
    ) -> None:
        wire = self.server.wire
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        lines += [f"WWW-Authenticate: {one}" for one in offers or ()]
        lines += [f"Content-Length: {len(body) + is_cut}", "", ""]
        whole = "\r\n".join(lines).encode("latin-1") + (body[: len(body) // 2] if is_cut else body)
        self.close_connection = self.close_connection or is_cut
        if wire.left is not None:
            whole, cut = whole[: wire.left], len(whole) > wire.left
            wire.left -= len(whole)
            self.close_connection = self.close_connection or cut
        wire.answered += len(whole)
        self.wfile.write(whole)


def _operation(sent: bytes) -> str:
    head = sent[:4_000]
    return next(
        (name for name in _WRITES if f"m:{name}".encode() in head or f":{name} ".encode() in head), ""
    )
