"""What the demo defines, by the API."""

import pytest

from examples.simulated_lms.flags import FLAGS
from experiment_server.demo.definitions import create_flags

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class ApiOfClient:
    """The management API through the tests' client."""

    def __init__(self, client, headers):
        self._client, self._headers = client, headers

    def post(self, path, body):
        answer = self._client.post(f"/api/v1{path}", json=body, headers=self._headers)
        assert answer.status_code == 201, answer.json

    def put(self, path, body, version):
        headers = {**self._headers, "If-Match": f'"{version}"'}
        answer = self._client.put(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.json


def test_flags__of_the_demo__are_on_for_their_share_of_learners(client, keys, editor):
    create_flags(ApiOfClient(client, editor), "production", FLAGS)

    found = client.get("/api/v1/flags", headers=editor).json["items"]
    places = {flag["key"]: flag["environments"]["production"] for flag in found}
    assert {key: place["enabled"] for key, place in places.items()} == {
        "leaderboard": True,
        "weekly-digest": True,
    }
    [rule] = places["weekly-digest"]["rules"]
    assert (rule["value"], rule["coverage"]) == (True, 0.25)
