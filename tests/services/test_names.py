"""Names as people and their tools write them, and what is shown of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.names import cleaned, first_name


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Okafor, Ana (Legal)", "Ana Okafor"),
        ("van der Berg, Anna", "Anna van der Berg"),
        ("ANA OKAFOR", "Ana Okafor"),
        ("Ana Okafor, PhD, MBA", "Ana Okafor"),
        ("Dr. Eva Müller, MBA 🚀 PMP®", "Eva Müller"),
        ("🚀 John Doe ✔️", "John Doe"),
        ("👩‍💻 Ana Okafor", "Ana Okafor"),
        ("Ana Okafor\u200b", "Ana Okafor"),
        ("\u202eAna Okafor", "Ana Okafor"),
        ("Ana Okafor • 1st", "Ana Okafor"),
        ("'Ana Okafor' via Team", "Ana Okafor"),
        ("Peter Schmidt i.V.", "Peter Schmidt"),
        ("Anna Berg geb. Holm", "Anna Berg"),
        ("علی‌رضا کریمی", "علی‌رضا کریمی"),
        ("王小明", "王小明"),
        ("❤️", "❤️"),
    ],
)
def test_a_name_is_shown_without_what_is_hung_on_it(written: str, shown: str) -> None:
    """Order, credentials, companies, pictures and what cannot be seen are put right; what spells a word stays."""
    assert cleaned(written) == shown


@given(st.text(max_size=300))
def test_any_text_is_a_name(text: str) -> None:
    """Nothing raises, and the first name is part of the name."""
    name = cleaned(text)
    assert first_name(name) in cleaned(name)
