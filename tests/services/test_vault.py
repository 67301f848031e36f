"""What is sealed opens with the key it was sealed with, and with nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError, ReauthRequired
from services.vault import Vault, listed

OLD, NEW = "old-key-" + "a" * 30, "new-key-" + "b" * 30


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_is_sealed_comes_back(secret: str) -> None:
    """Any text, and the same text is never sealed alike twice."""
    vault = Vault(NEW)
    sealed = vault.sealed(secret)
    assert vault.opened(sealed) == secret
    assert sealed != vault.sealed(secret)
    assert len(secret) < 8 or secret not in sealed


@pytest.mark.parametrize("between", [",", "\n", " , ", "\t\n"])
def test_old_keys_still_open(between: str) -> None:
    """Listed after the new one, an old key opens what it sealed; the new one seals."""
    before = Vault(OLD).sealed("hunter2")
    vault = Vault(f"{NEW}{between}{OLD}\n")
    assert vault.opened(before) == "hunter2"
    assert not vault.is_under_first_key(before)
    after = vault.sealed("hunter2")
    assert vault.is_under_first_key(after)
    assert Vault(NEW).opened(after) == "hunter2"


@pytest.mark.parametrize("keys", ["", NEW, OLD[:-1], f"{NEW},{OLD}x"])
def test_another_key_opens_nothing(keys: str) -> None:
    """The words say what to do, and quote nothing of what was sealed."""
    sealed = Vault(OLD).sealed("hunter2-canary")
    vault = Vault(keys)
    with pytest.raises(ReauthRequired) as refused:
        vault.opened(sealed)
    assert "connect the account again" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert sealed not in str(refused.value)
    assert not vault.is_under_first_key(sealed)


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_what_was_altered_does_not_open(place: int) -> None:
    """One character changed anywhere is found."""
    sealed = Vault(NEW).sealed("hunter2")
    spot = place % len(sealed)
    altered = sealed[:spot] + ("A" if sealed[spot] != "A" else "B") + sealed[spot + 1 :]
    with pytest.raises(ReauthRequired):
        Vault(NEW).opened(altered)


def test_without_a_key_nothing_is_sealed() -> None:
    """Rather than in clear, a secret is not kept at all."""
    assert listed(" ,\n") == []
    with pytest.raises(ConfigError, match=r"secret\.key"):
        Vault(" ").sealed("hunter2")
