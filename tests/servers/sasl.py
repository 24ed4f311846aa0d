"""SASL in the place of a broker: what a client has to say before its requests are passed on (KIP-43, KIP-152; RFC 4616, RFC 5802)."""

import base64
import hashlib
import hmac
import socket
import struct
from collections.abc import Mapping

_HANDSHAKE, _VERSIONS, _AUTHENTICATE = 17, 18, 36
_UNSUPPORTED, _FAILED = 33, 58
_FLEXIBLE = 2  # version of the authentication from which on its lengths are varints
_ITERATIONS = 4096
_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
MECHANISMS = ("PLAIN", *_HASHES)


class RefusedError(Exception):
    """The client is not who it says."""


class Plain:
    """Name and password as they are."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users, self.done = users, False

    def answer(self, said: bytes) -> bytes:
        """What is answered to a message of the client."""
        _, name, password = said.decode().split("\0")
        if name not in self._users or not hmac.compare_digest(self._users[name], password):
            raise RefusedError
        self.done = True
        return b""


class Scram:
    """The server's side: the client proves that it knows the password, and so do we."""

    def __init__(self, users: Mapping[str, str], hash_: str) -> None:
        self._users, self._hash, self.done = users, hash_, False
        self._first: tuple[str, str, str] | None = None

    def answer(self, said: bytes) -> bytes:
        """What is answered to a message of the client."""
        text = said.decode()
        return (self._begin(text) if self._first is None else self._end(text)).encode()

    def _begin(self, text: str) -> str:
        bare = text.removeprefix("n,,")
        given = dict(part.split("=", 1) for part in bare.split(","))
        name, salt = given["n"], base64.b64encode(b"0123456789abcdef").decode()
        server = f"r={given['r']}of-the-server,s={salt},i={_ITERATIONS}"
        self._first = name, bare, server
        return server

    def _end(self, text: str) -> str:
        assert self._first is not None
        name, bare, server = self._first
        without, _, proof = text.rpartition(",p=")
        if name not in self._users or f"r={dict(p.split('=', 1) for p in server.split(','))['r']}" not in without:
            raise RefusedError
        salted = hashlib.pbkdf2_hmac(self._hash, self._users[name].encode(), b"0123456789abcdef", _ITERATIONS)
        whole = f"{bare},{server},{without}".encode()
        stored = hashlib.new(self._hash, self._mac(salted, b"Client Key")).digest()
        signature = self._mac(stored, whole)
        shown = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if not hmac.compare_digest(hashlib.new(self._hash, shown).digest(), stored):
            raise RefusedError
        self.done = True
        return "v=" + base64.b64encode(self._mac(self._mac(salted, b"Server Key"), whole)).decode()

    def _mac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


class Gate:
    """Lets a connection through once its client has shown who it is.

    Args:
        users: passwords by name.

    Attributes:
        admitted: mechanisms by which clients came in, one by one.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users, self.admitted = users, []

    def __call__(self, client: socket.socket, server: socket.socket) -> None:
        """Talk until the client is admitted.

        Raises:
            OSError: it is not.
        """
        mechanism, talk = "", None
        while talk is None or not talk.done:
            request = _frame(client)
            key, version, number = struct.unpack(">hhi", request[:8])
            if key == _VERSIONS:
                server.sendall(struct.pack(">i", len(request)) + request)
                _send(client, _frame(server))
                continue
            skipped = 10 + max(0, struct.unpack(">h", request[8:10])[0])
            body = request[skipped:]
            if key == _HANDSHAKE:
                mechanism = body[2:].decode()
                talk = self._talk(mechanism)
                known = b"".join(struct.pack(">h", len(m)) + m.encode() for m in MECHANISMS)
                code = 0 if talk else _UNSUPPORTED
                _send(client, struct.pack(">ihi", number, code, len(MECHANISMS)) + known)
            elif key == _AUTHENTICATE and talk is not None:
                self._authenticate(client, talk, (version, number), body)
            else:
                raise OSError("not before it has authenticated")
        self.admitted.append(mechanism)

    def _talk(self, mechanism: str) -> Plain | Scram | None:
        if mechanism == "PLAIN":
            return Plain(self._users)
        return Scram(self._users, _HASHES[mechanism]) if mechanism in _HASHES else None

    @staticmethod
    def _authenticate(client: socket.socket, talk: Plain | Scram, head: tuple[int, int], body: bytes) -> None:
        version, number = head
        try:
            code, answer = 0, talk.answer(_token(version, body))
        except RefusedError:
            code, answer = _FAILED, b""
        if version >= _FLEXIBLE:
            made = b"\0" + struct.pack(">h", code) + b"\0" + _varint(len(answer) + 1) + answer
            made += struct.pack(">q", 0) + b"\0"
        else:
            made = struct.pack(">hhi", code, -1, len(answer)) + answer
            made += struct.pack(">q", 0) if version else b""
        _send(client, struct.pack(">i", number) + made)
        if code:
            raise OSError("refused")


def _token(version: int, body: bytes) -> bytes:
    if version < _FLEXIBLE:
        return body[4:]
    at, size, shift = 1, 0, 0  # behind the tags of the head
    while True:
        byte = body[at]
        size, shift, at = size | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return body[at : at + size - 1]


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def _frame(end: socket.socket) -> bytes:
    return _exactly(end, struct.unpack(">i", _exactly(end, 4))[0])


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = end.recv(size - len(data))
        if not piece:
            raise OSError("it has gone")
        data += piece
    return data


def _send(end: socket.socket, data: bytes) -> None:
    end.sendall(struct.pack(">i", len(data)) + data)
