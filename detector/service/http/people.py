"""People who come with a JWT of a configured issuer: who they are, and what they may do."""

import hashlib
from typing import Any, Final

import jwt

from detector.alerts.notify.reach import Reach
from detector.alerts.store.tokens import SCOPES, Scope, Token
from detector.config import ConfigError, JwtSettings
from detector.service.http.jwks import Keys, KeysError, is_url

_LARGEST: Final = 8 << 10  # characters of a token
_LONGEST: Final = 128  # characters of a name, as of a token's holder
_LEEWAY_S: Final = 30.0
_SECOND: Final = 1_000_000
_CLAIMS: Final = ("exp", "iss", "aud", "sub")
_OPTIONS: Final[Any] = {"require": list(_CLAIMS), "enforce_minimum_key_length": True}
_WHY: Final[tuple[tuple[type[Exception], str], ...]] = (
    (jwt.ExpiredSignatureError, "The token has expired."),
    (jwt.ImmatureSignatureError, "The token is not valid yet."),
    (jwt.InvalidAudienceError, "The token is for another audience."),
    (jwt.InvalidIssuerError, "The token is of another issuer."),
    (jwt.InvalidAlgorithmError, "The token's algorithm is not allowed."),
    (jwt.InvalidSignatureError, "The token's signature is wrong."),
    (jwt.MissingRequiredClaimError, f"The token lacks one of the claims {', '.join(_CLAIMS)}."),
)


class JwtError(ValueError):
    """A token that is not taken; the message may be told to its sender."""


def is_jwt(secret: str) -> bool:
    """Whether a bearer token looks like a JWT; our own have no dots."""
    return secret.count(".") == 2  # noqa: PLR2004 - header, claims, signature


class People:
    """Checks the tokens of one issuer.

    Args:
        settings: of the issuer.
        keys: of the issuer; by default from where the settings say.

    Raises:
        ConfigError: the file of the keys is not there.
    """

    def __init__(self, settings: JwtSettings, keys: Keys | None = None) -> None:
        self._settings = settings
        self._keys = keys or Keys(settings.jwks, settings.algorithms, Reach(tuple(settings.allow)))
        if keys is None and not is_url(settings.jwks):
            try:
                self._keys.find("")
            except KeysError as error:
                raise ConfigError(f"jwt: {settings.jwks}: no file with usable public keys") from error

    def find(self, secret: str) -> Token:
        """Whom a token names, as if by a token of our own.

        Raises:
            JwtError: it is not taken.
            KeysError: the issuer's keys cannot be read now.
        """
        if len(secret) > _LARGEST:
            raise JwtError("The token is too large.")
        try:
            claims = self._claims(secret)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            if isinstance(error, JwtError):
                raise
            raise JwtError(next((why for kind, why in _WHY if isinstance(error, kind)), "It is no JWT.")) from error
        return self._token(claims)

    def _claims(self, secret: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(secret).get("kid")
        if not isinstance(kid, str):
            raise JwtError("The token does not say which key signed it (kid).")
        key = self._keys.find(kid)
        if key is None:
            raise JwtError("The issuer has no such key.")
        s = self._settings
        return jwt.decode(
            secret, key, list(s.algorithms), _OPTIONS, issuer=s.issuer, audience=s.audience, leeway=_LEEWAY_S
        )

    def _token(self, claims: dict[str, Any]) -> Token:
        name = claims["sub"]
        if not 0 < len(name) <= _LONGEST or not name.isprintable():
            raise JwtError("The token's sub is no name.")
        # Below zero, so that it is never that of a token of our own.
        digest = hashlib.sha256(f"{self._settings.issuer}\0{name}".encode()).digest()
        number = -1 - (int.from_bytes(digest[:8], "big") >> 1)
        ends = int((float(claims["exp"]) + _LEEWAY_S) * _SECOND)
        return Token(number, name, self._scopes(claims.get(self._settings.scopes_claim)), 0, expires_at=ends)

    def _scopes(self, claim: object) -> tuple[Scope, ...]:
        said = claim.split() if isinstance(claim, str) else claim
        words = {word for word in said if isinstance(word, str)} if isinstance(said, list) else set()
        given = self._settings.scopes
        if given:
            words = {scope for word in words for scope in given.get(word, ())}
        return tuple(s for s in SCOPES if s in words)
