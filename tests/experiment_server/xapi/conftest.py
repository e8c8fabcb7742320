"""A client of the statement store, as any LMS has one."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import pytest

from tests.factories import make_keys

URL = "/xapi/statements"


def basic(secret, user=None):
    """Basic credentials: the shown beginning of a key, and the key."""
    pair = f"{secret[:16] if user is None else user}:{secret}"
    return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}


@dataclass(frozen=True)
class Lrs:
    """Speaks xAPI with one key."""

    client: Any
    headers: dict

    def post(self, body, **headers):
        return self.client.post(URL, json=body, headers={**self.headers, **headers})

    def post_raw(self, raw, content_type="application/json", query="", **headers):
        sent = {**self.headers, **headers}
        return self.client.post(URL + query, data=raw, content_type=content_type, headers=sent)

    def put(self, statement_id, body):
        query = {} if statement_id is None else {"statementId": statement_id}
        return self.client.put(URL, json=body, query_string=query, headers=self.headers)

    def get(self, headers=None, **query):
        sent = {**self.headers, **(headers or {})}
        return self.client.get(URL, query_string=query, headers=sent)

    def find(self, **query):
        """The ids of the statements that a query gives."""
        answer = self.get(**query)
        assert answer.status_code == 200, answer.text
        return [statement["id"] for statement in answer.json["statements"]]


@pytest.fixture
def keys(database):
    return make_keys(database)


@pytest.fixture
def lrs(client, keys):
    """The store by a server key's Basic credentials and xAPI 1.0.3."""
    return Lrs(client, {**basic(keys.secret()), "X-Experience-API-Version": "1.0.3"})


@pytest.fixture
def lrs2(client, keys):
    """The same by xAPI 2.0."""
    return Lrs(client, {**basic(keys.secret()), "X-Experience-API-Version": "2.0.0"})
