"""How much of a text is kept, by the owner's wish (`KITH_KEEP_TEXT`): nothing, an excerpt, or all.

Each is a module-level function, so that a parsing process can be handed it by name; what reads is loaded where it is
called, as the grammars of five languages take a tenth of a second.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from schemas.connector import Reading, ReadText, TextContext


def read_and_keep_nothing(text: str, context: TextContext) -> Reading:
    """What a text does and until when, without a word of it; a signature's hints name people and stay."""
    from services.signals.reading import read_text  # noqa: PLC0415

    reading = read_text(text, context)
    return Reading(
        signals=tuple(replace(one, text="") for one in reading.signals), signature=reading.signature
    )


def read_and_keep_excerpt(text: str, context: TextContext) -> Reading:
    """What a text does, and the beginning of its writer's own words."""
    from services.signals.reading import read_text  # noqa: PLC0415

    return read_text(text, context)


def read_and_keep_all(text: str, context: TextContext) -> Reading:
    """The same as `read_text`, with the whole text, quotes included, to 64 KB."""
    from services.signals.markup import text_from_html  # noqa: PLC0415
    from services.signals.reading import LONGEST_TEXT, read_text  # noqa: PLC0415

    cut = text[:LONGEST_TEXT]
    return replace(read_text(text, context), text=text_from_html(cut) if context.is_html else cut)


READERS: Mapping[str, ReadText] = {
    "none": read_and_keep_nothing,
    "excerpt": read_and_keep_excerpt,
    "full": read_and_keep_all,
}
"""The text stage for each wish."""
