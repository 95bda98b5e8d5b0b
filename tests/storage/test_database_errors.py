"""Database errors: what they reveal to clients and to the log."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import Database
from gateway.storage.errors import DatabaseUrlError

pytestmark = pytest.mark.anyio


async def test_an_error_does_not_say_what_was_asked_for(database_url: str) -> None:
    def ask(conn: Connection) -> None:
        conn.execute(sa.text("SELECT * FROM nothing_there WHERE email = :email"), {"email": "ada@example.com"})

    database = Database(database_url)
    with pytest.raises(sa.exc.DBAPIError) as caught:
        await database.read(ask)
    with pytest.raises(sa.exc.DBAPIError) as caught_too:
        await database.write(ask)
    await database.close()
    assert "ada@example.com" not in str(caught.value) + str(caught_too.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:hidden@h/x", "postgresql://u:hidden@h:port/x", ""])
def test_a_url_that_is_none_is_said_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as caught:
        Database(url)
    assert "hidden" not in str(caught.value)
