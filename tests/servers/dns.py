"""A name server on the loopback (RFC 1035, over UDP) that knows the records it is given."""

import contextlib
import socket
from collections.abc import Iterator
from threading import Thread

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from msgspec import Struct, field


class Zone(Struct):
    """Records by name and type, such as `("_imaps._tcp.example.com", "SRV"): ["0 1 993 imap.example.com."]`."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    is_silent: bool = False
    """Hears everything and answers nothing."""

    def answer(self, wire: bytes) -> bytes | None:
        """The answer to one question."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = question.rdtype.name
        self.asked.append((name, kind))
        if self.is_silent:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        found = self.records.get((name, kind))
        if found:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif not any(known == name for known, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()


@contextlib.contextmanager
def name_server(zone: Zone) -> Iterator[int]:
    """A server over a zone; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.1)
        stopped = False

        def serve() -> None:
            while not stopped:
                try:
                    wire, client = listener.recvfrom(4_096)
                except TimeoutError:
                    continue
                with contextlib.suppress(dns.exception.DNSException, OSError):
                    reply = zone.answer(wire)
                    if reply is not None:
                        listener.sendto(reply, client)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped = True
            thread.join(10)
