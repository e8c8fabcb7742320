"""Many editors at once: one winner per version, and the log knows each."""

from concurrent.futures import ThreadPoolExecutor

from tests.factories import make_keys

THREADS = 50
ROUNDS = 4


def test_edits__fifty_threads_with_if_match__one_winner_per_version(app, database):
    admin = make_keys(database).manage("admin")
    app.test_client().post("/api/v1/flags", json={"key": "n", "title": "0"}, headers=admin)

    def edit(_thread):
        client, wins, codes = app.test_client(), 0, []
        for _ in range(ROUNDS):
            read = client.get("/api/v1/flags/n", headers=admin)
            answer = client.patch(
                "/api/v1/flags/n",
                json={"title": str(int(read.json["title"]) + 1)},
                headers={**admin, "If-Match": read.headers["ETag"]},
            )
            codes.append(answer.status_code)
            wins += answer.status_code == 200
        return wins, codes

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(edit, range(THREADS)))

    final = app.test_client().get("/api/v1/flags/n", headers=admin).json
    log = app.test_client().get("/api/v1/audit?resource=flag:n&limit=500", headers=admin).json
    wins = sum(won for won, _ in outcomes)
    assert {code for _, codes in outcomes for code in codes} <= {200, 412}
    assert wins >= ROUNDS
    assert (final["version"], final["title"]) == (1 + wins, str(wins))
    assert sum(entry["action"] == "flag.change" for entry in log["items"]) == wins
