"""An HTTP server of a test's own on the loopback."""

import threading
from contextlib import contextmanager
from http.server import ThreadingHTTPServer


@contextmanager
def listening(handler, *, lingering=False):
    """Serves with a handler class; yields the base URL. `lingering`: do not wait for clients that keep their connection."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        if lingering:
            http.daemon_threads, http.block_on_close = True, False
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}"
        finally:
            http.shutdown()
            thread.join()
