"""A real server on a store of its own, and a real browser in front of it."""

import os

import pytest
from playwright.sync_api import sync_playwright

from experiment_server.demo.local_server import running_server, store_environment
from experiment_server.settings import Settings
from tests.browser.chromium import launch
from tests.browser.program import make_program
from tests.ports import free_port


@pytest.fixture(scope="module")
def base_url(tmp_path_factory):
    """The address of a running ``momentum serve`` with a small program in it."""
    folder = tmp_path_factory.mktemp("walk")
    port = free_port()
    make_program(Settings.from_environment(store_environment(folder, port, os.environ)))
    with running_server(folder, port) as server:
        yield server.base_url


@pytest.fixture(scope="module")
def browser():
    """A running Chromium; while it is there its event loop runs, which others must not meet."""
    with sync_playwright() as playwright:
        opened = launch(playwright)
        yield opened
        opened.close()
