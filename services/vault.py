"""Keeps the secrets of accounts at rest, under a key that stands outside the database.

What is sealed is a Fernet token (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) under a key derived by
HKDF (RFC 5869) from the home's, which serves other purposes as well. Several keys may be listed: the first seals, all
of them open. It never logs, and no error of it quotes what was sealed.
"""

import re
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import ConfigError, ReauthRequired

_PURPOSE = b"kith: secrets of accounts"
_BETWEEN = re.compile(r"[,\s]+")


class Sealed(ReauthRequired):
    """A secret that none of the keys opens."""

    def __init__(self) -> None:
        super().__init__(
            "What is kept to sign in was sealed with a key that this home no longer has. Nothing else is lost. Put the "
            "old key back, after the present one in KITH_SECRET_KEY or secret.key; or connect the account again."
        )


class Vault:
    """Seals and opens secrets."""

    def __init__(self, keys: str, purpose: bytes = _PURPOSE) -> None:
        """Take `KITH_SECRET_KEY`: the key, and after it older ones, parted by commas or white space.

        Args:
            purpose: what the seal is for; what was sealed for one purpose opens for no other.
        """
        self._ciphers = [_cipher(key, purpose) for key in listed(keys)]

    def sealed(self, secret: str) -> str:
        """What may be written to a database.

        Raises:
            ConfigError: the home has no key.
        """
        if not self._ciphers:
            raise ConfigError(
                "This home has no key to lock secrets away with. Put secret.key back from a backup, or set "
                "KITH_SECRET_KEY, and repeat the command."
            )
        return self._ciphers[0].encrypt(secret.encode()).decode()

    def opened(self, sealed: str) -> str:
        """The secret.

        Raises:
            Sealed: no key of the home opens it.
        """
        if not self._ciphers:
            raise Sealed
        try:
            return MultiFernet(self._ciphers).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Sealed from None

    def is_under_first_key(self, sealed: str) -> bool:
        """Whether no older key is needed to open it."""
        try:
            return bool(self._ciphers) and self._ciphers[0].decrypt(sealed.encode()) is not None
        except InvalidToken:
            return False


def listed(keys: str) -> list[str]:
    """The keys in `KITH_SECRET_KEY`, the present one first."""
    return [one for one in _BETWEEN.split(keys) if one]


def _cipher(key: str, purpose: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key.encode())
    return Fernet(urlsafe_b64encode(derived))
