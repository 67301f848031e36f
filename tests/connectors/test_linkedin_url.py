"""Profile addresses in every shape that exports and address books hold."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._linkedin_url import slug


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.linkedin.com/in/ana-okafor", "ana-okafor"),
        ("https://www.linkedin.com/in/Ana-Okafor/", "ana-okafor"),
        ("www.linkedin.com/in/ana-okafor", "ana-okafor"),
        ("linkedin.com/in/ana-okafor", "ana-okafor"),
        ("http://uk.linkedin.com/in/ana-okafor?trk=nav", "ana-okafor"),
        ("https://de.linkedin.com/in/ana-okafor/en", "ana-okafor"),
        ("https://www.linkedin.com/in/h%C3%A9l%C3%A8ne-roy", "hélène-roy"),
        ("https://www.linkedin.com/in/he\u0301le\u0300ne-roy", "hélène-roy"),
        ("https://www.linkedin.com/in/acme%C2%AE", "acme®"),
        ("\u200fhttps://www.linkedin.com/in/ana\u200b ", "ana"),
        ("HTTPS://WWW.LINKEDIN.COM/IN/ANA", "ana"),
        ("/in/ana-okafor", "ana-okafor"),
        ("https://www.linkedin.com/pub/ana-okafor/3/12/4b7", "ana-okafor-4b70123"),
        ("https://www.linkedin.com/pub/ana-okafor", "ana-okafor"),
        ("https://www.linkedin.com/company/acme", ""),
        ("https://www.linkedin.com/in/", ""),
        ("https://linkedin.com.example.com/in/ana", ""),
        ("https://notlinkedin.com/in/ana", ""),
        ("javascript://linkedin.com/in/ana", ""),
        ("https://example.com/?u=https://linkedin.com/in/ana", ""),
        ("ana-okafor", ""),
        ("", ""),
    ],
)
def test_slug(url: str, expected: str) -> None:
    """Every known shape of a profile address gives one slug; nothing else gives any."""
    assert slug(url) == expected


@given(st.text(max_size=60))
def test_slug_of_a_slug_is_itself(text: str) -> None:
    """Normalising twice equals once, and any text is taken without an error."""
    slug(text)
    once = slug("https://www.linkedin.com/in/" + quote(text, safe=""))
    assert not once or slug("https://www.linkedin.com/in/" + quote(once, safe="")) == once
