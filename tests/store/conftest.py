"""One store on SQLite, and the same on PostgreSQL."""

import uuid

import pytest
import sqlalchemy as sa
from making import ticking
from postgresql import available, postgresql

from detector.alerts.store import Store


@pytest.fixture(scope="session")
def postgres():
    with postgresql() as url:
        yield url


def _schema(server):
    """A schema of its own on the server, and a URL that leads into it."""
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    url = sa.make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
    yield url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()


NONE = pytest.mark.skip(reason="no PostgreSQL: POSTGRES_URL names none, and its wheel is not installed")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[] if available() else NONE)])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
    else:
        yield from _schema(request.getfixturevalue("postgres"))


@pytest.fixture
def store(url):
    opened = Store(url, ticking())
    yield opened
    opened.close()
