"""Brings telephone numbers to one spelling (ITU-T E.164); it never guesses a country."""

from functools import lru_cache

_LIMIT = 60


@lru_cache(maxsize=20_000)
def e164(text: str, region: str = "") -> str:
    """The number as `+` and digits where it can be understood, else its digits; extensions are left out.

    `region` is the ISO 3166 code of the country in which numbers without `+` are dialled.
    """
    number = text.strip()
    if number[:4].lower() == "tel:":
        number = number[4:]
    number = number.partition(";")[0][:_LIMIT]
    is_international = number.lstrip(" (").startswith("+")
    if is_international or region:
        import phonenumbers  # noqa: PLC0415  # 20 ms that mail need not spend

        try:
            parsed = phonenumbers.parse(number, region.upper() or None)
        except phonenumbers.NumberParseException:
            parsed = None
        # Short codes (112) are possible in any country, but belong to nobody.
        is_sound = phonenumbers.is_possible_number if is_international else phonenumbers.is_valid_number
        if parsed is not None and is_sound(parsed):
            parsed.extension = None
            return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    return "".join(str(int(digit)) for digit in number if digit.isdecimal())
