"""The browser that the tests drive: Debian's Chromium, kept from calling home."""

import shutil

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch(playwright):
    """A running Chromium; fails with what to do when there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, (
        "The browser tests need Chromium and found none. Install it: apt-get install -y chromium "
        "(.ci/run does so on a bare machine)."
    )
    return playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
