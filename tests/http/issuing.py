"""An issuer of JWTs with a key set on a real port of this machine."""

import base64
import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from loopback import listening

from detector.config import JwtSettings

ISSUER, AUDIENCE = "https://login.example.com/", "revenuer"
MAKE = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Issuer:
    """Keys by id, as (algorithm, private key)."""

    def __init__(self, **keys):
        self.keys = {kid: (name, MAKE[name]()) for kid, name in keys.items()}

    def jwks(self):
        return {"keys": [self.public(kid) for kid in self.keys]}

    def public(self, kid):
        name, key = self.keys[kid]
        return jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "alg": name}

    def claims(self, **changes):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "iat": now, "exp": now + 600, "scope": "read"}
        return {k: v for k, v in (claims | changes).items() if v is not None}

    def token(self, kid="k1", header=None, **changes):
        name, key = self.keys[kid]
        return jwt.encode(self.claims(**changes), key, name, {"kid": kid, **(header or {})})


def forged(header, claims, signature=b""):
    """A token by hand, as no library would make it."""
    parts = json.dumps(header).encode(), json.dumps(claims).encode(), signature
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def settings(jwks, **changes):
    return JwtSettings(**({"jwks": str(jwks), "issuer": ISSUER, "audience": AUDIENCE} | changes))


@contextmanager
def serving(body):
    """Serves what `body()` gives, bytes or a status; yields the URL and the paths that were asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            made = body()
            status, data = (made, b"") if isinstance(made, int) else (200, made)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with listening(Handler) as url:
        yield f"{url}/jwks.json", asked
