import pytest
from typer.testing import CliRunner

from experiment_server.cli import app


@pytest.fixture
def momentum(tmp_path, database_url):
    """Run a command of ``momentum`` on the test's own store."""
    variables = {"MOMENTUM_DATA_DIR": str(tmp_path), "MOMENTUM_DATABASE_URL": database_url}

    def run(*arguments, text_in=""):
        return CliRunner().invoke(app, arguments, input=text_in, env=variables)

    return run


def test_member__added__shows_its_password_once_or_never(momentum):
    made = momentum("member", "add", "--email", "ada@example.org", "--role", "admin")
    typed = momentum(
        "member",
        "add",
        "--email",
        "bob@example.org",
        "--password-stdin",
        text_in="quiet otters read maps\n",
    )
    listed = momentum("member", "list")

    assert "Password (shown this once): " in made.output
    assert "otters" not in typed.output
    assert listed.output.splitlines() == [
        "ada@example.org\tadmin\tactive",
        "bob@example.org\tviewer\tactive",
    ]


def test_member__new_password__replaces_the_old_one(momentum):
    first = momentum("member", "add", "--email", "ada@example.org").output
    second = momentum("member", "password", "--email", "ada@example.org").output

    assert first.splitlines()[-1] != second.splitlines()[-1]
    assert "Password (shown this once): " in second


def test_key__added__prints_only_the_secret_on_standard_output(momentum):
    momentum("environment", "add", "staging")

    made = momentum("key", "add", "-e", "staging")
    listed = momentum("key", "list", "-e", "staging")

    assert made.stdout.startswith("mo_server_")
    assert len(made.stdout.splitlines()) == 1
    assert made.stdout.strip() not in listed.output


def test_key__revoked__is_listed_as_such(momentum):
    momentum("environment", "add", "staging")
    momentum("key", "add", "-e", "staging")

    momentum("key", "revoke", "1", "-e", "staging")

    assert "\trevoked\t" in momentum("key", "list", "-e", "staging").output


def test_environment__secret_attributes__are_those_named_last(momentum):
    momentum("environment", "add", "staging")

    some = momentum("environment", "secret", "staging", "--attribute", "phone")
    none = momentum("environment", "secret", "staging")

    assert some.output == "Secret in staging: phone\n"
    assert none.output == "Secret in staging: none\n"
