"""One store on SQLite and, where POSTGRES_URL names a server, the same on PostgreSQL."""

import os
import uuid

import pytest
import sqlalchemy as sa
from making import ticking

from detector.alerts.store import Store

POSTGRES = os.environ.get("POSTGRES_URL")


def _schema():
    """A schema of its own on the server, and a URL that leads into it."""
    name = f"test_{uuid.uuid4().hex}"
    server = sa.create_engine(POSTGRES)
    with server.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    url = sa.make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={name}"})
    yield url.render_as_string(hide_password=False)
    with server.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
    elif POSTGRES is None:
        pytest.skip("POSTGRES_URL names no server")
    else:
        yield from _schema()


@pytest.fixture
def store(url):
    opened = Store(url, ticking())
    yield opened
    opened.close()
