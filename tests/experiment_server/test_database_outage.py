"""PostgreSQL drops connections under load: 503 or success, and no acknowledged change is lost."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest

from tests.factories import make_keys

WRITERS = 4
FLAGS = 30


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_outage__connections_killed_under_load__loses_no_acknowledged_change(
    app, database, database_url
):
    keys = make_keys(database)
    admin, server = keys.manage("admin"), keys.headers("server")
    reader = app.test_client()
    assert reader.get("/api/v1/payload", headers=server).status_code == 200
    done, payload_codes = Event(), []

    def write(writer):
        client, acknowledged, codes = app.test_client(), [], []
        for number in range(FLAGS):
            key = f"flag-{writer}-{number}"
            answer = client.post("/api/v1/flags", json={"key": key, "title": "x"}, headers=admin)
            codes.append(answer.status_code)
            acknowledged += [key] * (answer.status_code == 201)
        return acknowledged, codes

    def read():
        while not done.is_set():
            payload_codes.append(reader.get("/api/v1/payload", headers=server).status_code)

    def kill():
        kills = 0
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not done.wait(0.02):
                kills += len(
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    ).fetchall()
                )
        return kills

    with ThreadPoolExecutor(WRITERS + 2) as pool:
        killer, polling = pool.submit(kill), pool.submit(read)
        outcomes = list(pool.map(write, range(WRITERS)))
        done.set()
        polling.result()

    stored = {
        each["key"] for each in app.test_client().get("/api/v1/flags", headers=admin).json["items"]
    }
    acknowledged = {key for keys, _codes in outcomes for key in keys}
    assert killer.result() > 0
    assert {code for _keys, codes in outcomes for code in codes} <= {201, 503}
    assert acknowledged <= stored
    assert set(payload_codes) == {200}
