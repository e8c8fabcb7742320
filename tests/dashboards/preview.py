"""Looks at every page without a server: renders the factories' views to files and shoots them.

python -m tests.dashboards.preview OUT_DIR [NAME...]: HTML and, with Chromium, PNGs at both widths
in both schemes. For the eye only; nothing in the product uses it.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from dashboards import STATIC_DIR, render
from tests.browser.chromium import launch
from tests.dashboards.factories import all_views

SIZES = {"wide": 1440, "narrow": 390}


def write(folder, names):
    """Render the named views (all, without names) as files that open without a server."""
    for name, view in all_views().items():
        if not names or name in names:
            html = render(view).replace("/static/", f"{STATIC_DIR.as_uri()}/")
            (folder / f"{name}.html").write_text(html)
            yield folder / f"{name}.html"


def shoot(pages):
    """A picture of each page at each width in each scheme."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for size, width in SIZES.items():
            for scheme in ("light", "dark"):
                viewport = {"width": width, "height": 900}
                tab = browser.new_page(viewport=viewport, color_scheme=scheme)
                for page in pages:
                    tab.goto(page.as_uri())
                    picture = page.with_name(f"{page.stem}-{size}-{scheme}.png")
                    tab.screenshot(path=picture, full_page=True)
                    over = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
                    if over > 0:
                        sys.stderr.write(f"{picture.name} is {over} px too wide\n")


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    shoot(list(write(out, sys.argv[2:])))
