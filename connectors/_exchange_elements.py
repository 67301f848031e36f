"""Elements of EWS: how requests name properties, and what is read of items; it never asks a server."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from msgspec import Struct

Element = Any
"""lxml's, which ships no types."""
Property = str | tuple[str, str]
"""`item:Subject`; or of what has no element of its own the tag, or the name among public strings, and the type."""

T_NS = "http://schemas.microsoft.com/exchange/services/2006/types"
T = f"{{{T_NS}}}"
_SPACES = {"t": T_NS, "m": "http://schemas.microsoft.com/exchange/services/2006/messages"}
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold."""


class ItemId(Struct, frozen=True):
    """An item, in a version."""

    id: str
    version: str = ""


class Changed(Struct, frozen=True):
    """A change of a folder: what became of an item, the item's id, and what was said of it."""

    kind: str
    id: str
    item: Element = None


# --- made ------------------------------------------------------------------------------------------------------------------


def node(name: str, *within: "Element | str | int | bool | None", **attributes: str) -> Element:
    """An element, `t:Name` or `m:Name`, with children or a text; what is None is left out."""
    from lxml import etree  # type: ignore[import-untyped]  # noqa: PLC0415  # it ships no types

    space, _, local = name.partition(":")
    made = etree.Element(f"{{{_SPACES[space]}}}{local}", attributes, nsmap=_SPACES)
    for one in within:
        if isinstance(one, bool):
            made.text = "true" if one else "false"
        elif isinstance(one, str | int):
            made.text = _ILLEGAL.sub("", str(one))
        elif one is not None:
            made.append(one)
    return made


def property_of(name: Property) -> Element:
    """The path to a property."""
    if isinstance(name, str):
        return node("t:FieldURI", FieldURI=name)
    tag, kind = name
    if tag.startswith("0x"):
        return node("t:ExtendedFieldURI", PropertyTag=tag, PropertyType=kind)
    return node(
        "t:ExtendedFieldURI", DistinguishedPropertySetId="PublicStrings", PropertyName=tag, PropertyType=kind
    )


def shape_of(tag: str, properties: Sequence[Property], body: int = 0) -> Element:
    """Which properties are wanted, and how much of a body in bytes."""
    return node(
        tag,
        node("t:BaseShape", "IdOnly"),
        node("t:BodyType", "Best") if body else None,
        node("t:MaximumBodySize", body) if body else None,
        node("t:AdditionalProperties", *map(property_of, properties)) if properties else None,
    )


def id_node(item: ItemId) -> Element:
    """An id as it is asked for."""
    return node("t:ItemId", Id=item.id, **({"ChangeKey": item.version} if item.version else {}))


def is_equal(name: Property, value: str) -> Element:
    """The restriction that a property holds exactly this."""
    return node(
        "t:IsEqualTo", property_of(name), node("t:FieldURIOrConstant", node("t:Constant", Value=value))
    )


def is_since(name: Property, instant: str) -> Element:
    """The restriction that a property is at this instant or later."""
    return node(
        "t:IsGreaterThanOrEqualTo",
        property_of(name),
        node("t:FieldURIOrConstant", node("t:Constant", Value=instant)),
    )


def written(name: Property, item: str, value: Element) -> Element:
    """The change that sets a property; `item` is the element of the item's kind."""
    return node("t:SetItemField", property_of(name), node(f"t:{item}", value))


def erased(name: Property) -> Element:
    """The change that takes a property away."""
    return node("t:DeleteItemField", property_of(name))


def extended_value(name: Property, value: str) -> Element:
    """A property that has no element of its own, with a value."""
    return node("t:ExtendedProperty", property_of(name), node("t:Value", value))


# --- read ------------------------------------------------------------------------------------------------------------------


def key_of(id: str) -> str:  # noqa: A002  # what it is
    """A short name for an item or folder, whose own is some 150 characters long: 64 bits of a hash."""
    return (
        urlsafe_b64encode(blake2b(id.encode("utf-8", "replace"), digest_size=8).digest()).decode().rstrip("=")
    )


def text_of(element: Element, *path: str) -> str:
    """The text of what is within, by names; empty where it is not there."""
    return (element.findtext("/".join(f"{T}{name}" for name in path)) or "").strip()


def instant_of(element: Element, *path: str) -> datetime | None:
    """The instant in the text of what is within, in UTC where it names no zone; None where there is none that can be."""
    try:
        at = datetime.fromisoformat(text_of(element, *path))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def id_of(element: Element) -> ItemId:
    """The id of an item as it was found; an empty one where there is none."""
    one = element.find(f"{T}ItemId")
    return ItemId(one.get("Id", ""), one.get("ChangeKey", "")) if one is not None else ItemId("")


def extended(element: Element, name: Property) -> str:
    """The value of a property that has no element of its own."""
    wanted = name[0].lower()
    for one in element.iterfind(f"{T}ExtendedProperty"):
        uri = one.find(f"{T}ExtendedFieldURI")
        if uri is not None and wanted in {
            uri.get("PropertyTag", "").lower(),
            uri.get("PropertyName", "").lower(),
        }:
            return one.findtext(f"{T}Value") or ""
    return ""


def listed_in(page: Element, name: str) -> list[Element]:
    """The items or folders of a page; an empty folder has no page."""
    if page is None or isinstance(page, bool):
        return []
    container = page.find(f"{T}{name}")
    return list(container) if container is not None else []


def change_of(element: Element) -> Changed | None:
    """A change of a folder; None for a read mark, and for what names no item."""
    kind = element.tag.removeprefix(T)
    if kind == "ReadFlagChange" or len(element) == 0:
        return None
    inner = element[0]
    one = id_of(element) if kind == "Delete" else id_of(inner)
    return Changed(kind, one.id, None if kind == "Delete" else inner) if one.id else None
