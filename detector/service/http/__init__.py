"""REST: `make_app(state)` gives the ASGI app."""

from detector.service.http.app import make_app
from detector.service.http.state import State

__all__ = ["State", "make_app"]
