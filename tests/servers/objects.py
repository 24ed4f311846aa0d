"""As much of S3 as the broker asks of it, in memory: what a broker wrote outlives it."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from loopback import listening

_RECORDS = ".batch"


class Bucket:
    """Objects by path; each write gives an object a new ETag.

    Args:
        keep: newest batches of records that are kept of a partition, as a topic's retention would; all where None.
    """

    def __init__(self, keep: int | None = None) -> None:
        self._objects: dict[str, tuple[bytes, str]] = {}
        self._keep, self._lock = keep, threading.Lock()

    def put(self, path: str, data: bytes, match: str | None, none_match: str | None) -> str | None:
        """The new ETag; None where a condition does not hold."""
        with self._lock:
            old = self._objects.get(path)
            if (none_match == "*" and old is not None) or (match and (old is None or old[1] != match)):
                return None
            tag = f'"{uuid.uuid4().hex}"'
            self._objects[path] = data, tag
            if self._keep is not None and path.endswith(_RECORDS):
                self._expire(path.rpartition("/")[0])
            return tag

    def _expire(self, folder: str) -> None:
        batches = sorted(p for p in self._objects if p.startswith(folder) and p.endswith(_RECORDS))
        for path in batches[: -self._keep]:
            del self._objects[path]

    def get(self, path: str) -> tuple[bytes, str] | None:
        """An object and its ETag."""
        return self._objects.get(path)

    def remove(self, path: str) -> None:
        """Remove an object, whether it is there or not."""
        with self._lock:
            self._objects.pop(path, None)

    def listed(self, prefix: str, delimiter: str) -> bytes:
        """What lies below a prefix, in XML, all on one page; with a delimiter, what lies deeper as folders."""
        with self._lock:
            below = sorted((p, *o) for p, o in self._objects.items() if p.startswith(prefix))
        folders, inner = set(), []
        for path, data, tag in below:
            head, cut, _ = path[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if cut:
                folders.add(prefix + head + cut)
            else:
                inner.append(
                    f"<Contents><Key>{escape(path)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                    f"<ETag>{escape(tag)}</ETag><Size>{len(data)}</Size></Contents>"
                )
        inner += [f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>" for f in sorted(folders)]
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(inner)}</ListBucketResult>".encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body go out together
    disable_nagle_algorithm = True
    bucket: Bucket

    def _path(self) -> tuple[str, dict[str, list[str]]]:
        """Within the bucket; and what is asked."""
        at = urlsplit(self.path)
        return unquote(at.path).lstrip("/").partition("/")[2], parse_qs(at.query, keep_blank_values=True)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        tag = self.bucket.put(self._path()[0], data, self.headers.get("If-Match"), self.headers.get("If-None-Match"))
        if tag is None:
            self._refuse(412, "PreconditionFailed")
        else:
            self._answer(200, ETag=tag)

    def do_GET(self) -> None:
        path, asked = self._path()
        if not path:
            prefix, delimiter = (asked.get(one, [""])[0] for one in ("prefix", "delimiter"))
            self._answer(200, self.bucket.listed(prefix, delimiter), Content_Type="application/xml")
        elif (found := self.bucket.get(path)) is None:
            self._refuse(404, "NoSuchKey")
        elif self.headers.get("If-None-Match") == found[1]:
            self._answer(304, ETag=found[1])
        else:
            self._answer(200, found[0], ETag=found[1], Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")

    do_HEAD = do_GET  # noqa: N815 - the names are those of the methods

    def do_DELETE(self) -> None:
        self.bucket.remove(self._path()[0])
        self._answer(204)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def objects(keep: int | None = None) -> Iterator[dict[str, str]]:
    """Environment that leads a broker to an empty bucket; `keep` as of `Bucket`."""
    handler = type("Handler", (_Handler,), {"bucket": Bucket(keep)})
    with listening(handler, lingering=True) as url:
        yield {
            "AWS_ENDPOINT": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
