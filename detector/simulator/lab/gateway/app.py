"""The gateway's routes: OpenAI's for those who ask, LiteLLM's management calls for those who enforce.

What a proxy cannot do, the model server must: it takes a recommendation itself and leaves out what that withholds.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from detector.simulator.lab.gateway.answering import Answered, choices
from detector.simulator.lab.gateway.asking import MODEL, Asked, question
from detector.simulator.lab.gateway.keys import Clock, Holder, Keys, Refusal, Withheld
from detector.simulator.lab.gateway.log import Log, Seen
from detector.simulator.lab.transformer import Transformer

_REFUSED: Final[dict[Refusal, tuple[int, str, str, str]]] = {
    "unknown": (401, "authentication_error", "invalid_api_key", "Incorrect API key provided."),
    "blocked": (403, "permission_error", "key_blocked", "This key is blocked."),
    "limited": (429, "rate_limit_error", "rate_limit_exceeded", "Rate limit reached; try again in the next minute."),
}


class Problem(Exception):  # noqa: N818 - it is an answer, no failure
    """An answer in OpenAI's form of errors."""

    def __init__(self, status: int, kind: str, code: str | None, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.code, self.message = status, kind, code, message

    def response(self) -> JSONResponse:
        """What the caller gets."""
        error = {"message": self.message, "type": self.kind, "param": None, "code": self.code}
        return JSONResponse({"error": error}, self.status)


class KeyBlock(BaseModel):
    """`POST /key/block` and `POST /key/unblock`."""

    key: str


class KeyUpdate(BaseModel):
    """`POST /key/update`."""

    key: str
    team_id: str | None = None
    rpm_limit: int | None = Field(None, ge=0)
    tpm_limit: int | None = Field(None, ge=0)


class TeamNew(BaseModel):
    """`POST /team/new`."""

    team_id: str
    rpm_limit: int | None = Field(None, ge=0)
    tpm_limit: int | None = Field(None, ge=0)


def _secret(authorization: Annotated[str, Header()] = "") -> str:
    return authorization.removeprefix("Bearer ").strip()


Secret = Annotated[str, Depends(_secret)]


class Bound(BaseModel):
    """Whom a recommendation binds; also `POST /restore`, which takes back what was withheld from them."""

    accounts: list[str]


class Advice(BaseModel):
    """`POST /degrade`: a recommendation as it stands in an alert, of which the model server does what no proxy can."""

    subject: Bound
    degrade: list[Withheld]
    dry_run: bool


class Gateway:
    """What the routes share.

    Args:
        teacher: who answers.
        keys: who may ask.
        log: of requests.
        admin: secret of those who enforce.
        clock: epoch seconds.
    """

    def __init__(self, teacher: Transformer, keys: Keys, log: Log, admin: str, clock: Clock = time.time) -> None:
        self.teacher, self.keys, self.log, self.admin, self.clock = teacher, keys, log, admin, clock
        # The server answers in threads; budgets must not be read and written by two at once.
        self.lock = threading.Lock()

    def complete(self, asked: Asked, holder: Holder | None, user_agent: str | None) -> Answered:
        """Answers a request, or says why not; both are logged where the caller is known.

        Raises:
            Problem: it is refused.
        """
        now, request_id = self.clock(), f"chatcmpl-{secrets.token_hex(12)}"
        with self.lock:
            refusal = self.keys.admit(holder)
        if holder is None or refusal == "unknown":
            raise Problem(*_REFUSED["unknown"])
        seen = self._seen(Seen(now, request_id, holder, asked, user_agent))
        try:
            given = asked.without(holder.withheld)
            answered = self._admitted(request_id, int(now), given, refusal)
        except Problem as problem:
            self.log.write(seen, problem.status, None)
            raise
        if "summarise_reasoning" in holder.withheld:
            answered = replace(answered, choices=[choice.answer() for choice in answered.choices])
        with self.lock:
            self.keys.spend(holder, seen.tokens(answered))
        self.log.write(seen, 200, answered)
        return answered

    def _seen(self, seen: Seen) -> Seen:
        """What is known of a request, as it will be logged."""
        return seen

    def _admitted(self, request_id: str, created: int, asked: Asked, refusal: Refusal | None) -> Answered:
        if refusal is not None:
            raise Problem(*_REFUSED[refusal])
        return self._answered(request_id, created, asked)

    def _answered(self, request_id: str, created: int, asked: Asked) -> Answered:
        if asked.model != MODEL:
            raise Problem(404, "invalid_request_error", "model_not_found", f"There is no model {asked.model}.")
        questions = question(asked.prompt())
        if questions is None:
            raise Problem(400, "invalid_request_error", None, "The teacher answers sums, lists and tables only.")
        made = choices(self.teacher, asked, questions)
        return Answered(request_id, created, asked, questions.prompts.shape[1], made)

    def manage(self, secret: str, change: Callable[[], None]) -> dict[str, bool]:
        """Makes a change for those who enforce.

        Raises:
            Problem: the secret is another, or the change is of something that is not there.
        """
        if not secrets.compare_digest(secret.encode(), self.admin.encode()):
            raise Problem(*_REFUSED["unknown"])
        try:
            with self.lock:
                change()
        except KeyError as error:
            raise Problem(404, "invalid_request_error", "not_found", f"There is no {error.args[0]}.") from error
        return {"done": True}


def make_app(gateway: Gateway) -> FastAPI:
    """An ASGI app around a teacher."""
    app = FastAPI(title="Revenuer lab gateway", docs_url=None, redoc_url=None)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    _asking(app, gateway)
    _enforcing(app, gateway)
    _withholding(app, gateway)
    return app


def _asking(app: FastAPI, gateway: Gateway) -> None:
    @app.post("/v1/chat/completions", response_model=None)
    def complete(
        asked: Asked, secret: Secret, user_agent: Annotated[str | None, Header()] = None
    ) -> dict[str, Any] | StreamingResponse:
        answered = gateway.complete(asked, gateway.keys.holder(secret), user_agent)
        return (
            StreamingResponse(answered.pieces(), media_type="text/event-stream") if asked.stream else answered.whole()
        )

    @app.get("/v1/models")
    def models(secret: Secret) -> dict[str, Any]:
        if gateway.keys.holder(secret) is None:
            raise Problem(*_REFUSED["unknown"])
        return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "revenuer"}]}


def _enforcing(app: FastAPI, gateway: Gateway) -> None:
    keys = gateway.keys

    @app.post("/key/block")
    def block(body: KeyBlock, secret: Secret) -> dict[str, bool]:
        return gateway.manage(secret, lambda: keys.block(body.key))

    @app.post("/key/unblock")
    def unblock(body: KeyBlock, secret: Secret) -> dict[str, bool]:
        return gateway.manage(secret, lambda: keys.unblock(body.key))

    @app.post("/key/update")
    def update(body: KeyUpdate, secret: Secret) -> dict[str, bool]:
        def change() -> None:
            keys.update(body.key, team=body.team_id, rpm=body.rpm_limit, tpm=body.tpm_limit)

        return gateway.manage(secret, change)

    @app.post("/team/new")
    def new_team(body: TeamNew, secret: Secret) -> dict[str, bool]:
        return gateway.manage(secret, lambda: keys.new_team(body.team_id, body.rpm_limit, body.tpm_limit))


def _withholding(app: FastAPI, gateway: Gateway) -> None:
    keys = gateway.keys

    @app.post("/degrade")
    def degrade(body: Advice, secret: Secret) -> dict[str, bool]:
        def change() -> None:
            for account in [] if body.dry_run else body.subject.accounts:
                keys.withhold(account, frozenset(body.degrade))

        return gateway.manage(secret, change)

    @app.post("/restore")
    def restore(body: Bound, secret: Secret) -> dict[str, bool]:
        def change() -> None:
            for account in body.accounts:
                keys.restore(account)

        return gateway.manage(secret, change)


def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return Problem(400, "invalid_request_error", None, f"{where}: {first['msg']}").response()
