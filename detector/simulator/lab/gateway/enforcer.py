"""What an operator's script does between Revenuer and a proxy: posts rendered calls, and takes back what does not hold any more."""

from collections.abc import Callable
from typing import Any, Final

Json = dict[str, Any]
Post = Callable[[str, Json], None]
FREE: Final = "unbound"  # team without limits, for keys that come back from one that had some


class Enforcer:
    """Keeps a proxy at what is recommended.

    Args:
        post: calls the proxy's management API: path, body.
        rendered: a recommendation's id → its rendering for the proxy.
    """

    def __init__(self, post: Post, rendered: Callable[[str], Json]) -> None:
        self._post, self._rendered = post, rendered
        self._calls: set[str] = set()
        self._bound: dict[str, set[str]] = {"/key/block": set(), "/key/update": set()}
        self._degraded: set[str] = set()

    def apply(self, recommendations: list[Json]) -> None:
        """Brings the proxy from what was recommended before to what is now.

        Args:
            recommendations: all that are current.
        """
        asked = [(made, self._rendered(made["id"])) for made in recommendations]
        calls = [call for _, form in asked for call in form["config"].get("calls", [])]
        self._take_back(calls)
        for call in calls:
            # Setting up a team anew would fill its budget up again.
            if (text := repr(call)) not in self._calls:
                self._post(call["path"], call["body"])
                self._calls.add(text)
        self._degrade([made for made, form in asked if made["degrade"] and not form["dry_run"]])

    def _degrade(self, recommendations: list[Json]) -> None:
        wanted = {account for made in recommendations for account in made["subject"]["accounts"]}
        if gone := sorted(self._degraded - wanted):
            self._post("/restore", {"accounts": gone})
        for made in recommendations:
            self._post("/degrade", made)
        self._degraded = wanted

    def _take_back(self, calls: list[Json]) -> None:
        for path, undo in (("/key/block", self._unblock), ("/key/update", self._free)):
            wanted = {call["body"]["key"] for call in calls if call["path"] == path}
            gone = sorted(self._bound[path] - wanted)
            for key in gone:
                undo(key)
            self._bound[path] = wanted
            self._calls = {text for text in self._calls if not any(repr(key) in text for key in gone)}

    def _unblock(self, key: str) -> None:
        self._post("/key/unblock", {"key": key})

    def _free(self, key: str) -> None:
        self._post("/team/new", {"team_id": FREE})
        self._post("/key/update", {"key": key, "team_id": FREE})
