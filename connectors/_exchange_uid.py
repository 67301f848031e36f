"""The UID that a meeting goes by outside Exchange, from the global object id that Exchange gives it; it asks nobody.

Exchange writes a UID as 56 and more hexadecimal digits (MS-OXOCAL 2.2.1.27): sixteen bytes that are always the same, the
day of one occurrence or zeros, when it was made, and data. Meetings that were called elsewhere hold their own UID in that
data, behind `vCal-Uid`. Two mailboxes and a calendar file name one series by what is left when the day is taken out.
"""

from datetime import date

from connectors._ical_lines import clean_uid

_BEGINS = bytes.fromhex("040000008200E00074C5B7101A82E008")
_DAY = slice(16, 20)
_SIZE = slice(36, 40)
_DATA = 40
_FOREIGN = b"vCal-Uid\x01\x00\x00\x00"
_MOST_DIGITS = 4_000


def uid_of(text: str) -> tuple[str, date | None]:
    """The UID of the whole series, and the day of the one occurrence that an id speaks of, where it speaks of one."""
    uid = text.strip()
    if len(uid) > _MOST_DIGITS or uid[:32].upper() != _BEGINS.hex().upper():
        return clean_uid(uid), None
    try:
        whole = bytes.fromhex(uid)
    except ValueError:
        return clean_uid(uid), None
    if len(whole) < _DATA:
        return clean_uid(uid), None
    day = _day(whole[_DAY])
    size = int.from_bytes(whole[_SIZE], "little")
    data = whole[_DATA : _DATA + size]
    if data.startswith(_FOREIGN):
        foreign = clean_uid(data.removeprefix(_FOREIGN).rstrip(b"\x00").decode("utf-8", "replace"))
        if foreign:
            return foreign, day
    return clean_uid((whole[: _DAY.start] + bytes(4) + whole[_DAY.stop :]).hex().upper()), day


def _day(embedded: bytes) -> date | None:
    """Year, big-endian, month and day; zeros for none."""
    try:
        return date(int.from_bytes(embedded[:2], "big"), embedded[2], embedded[3])
    except ValueError:
        return None
