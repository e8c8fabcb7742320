"""One person's window of a real browser, and the looks that each page is checked in."""

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.factories import PASSWORD

LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""

_SESSIONS = {}


class Visit:
    """One person's browser window, and everything that it complained about."""

    def __init__(self, browser, base_url, **window):
        self.base_url = base_url
        self.complaints = []
        self.context = browser.new_context(**window)
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._check_host)

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _check_host(self, request):
        host = urlsplit(self.base_url).netloc
        if urlsplit(request.url).netloc not in ("", host):
            self.complaints.append(f"asked another host: {request.url}")

    def open(self, path):
        answer = self.page.goto(f"{self.base_url}{path}")
        assert answer.status == 200, f"{path} answered {answer.status}"

    def sign_in(self, role="editor"):
        """Take up the session that this role opened first: few sign-ins a minute are allowed."""
        kept = _SESSIONS.get((self.base_url, role))
        if kept is None:
            self.sign_in_anew(role)
            _SESSIONS[(self.base_url, role)] = self.context.cookies()
            return
        self.context.add_cookies(kept)
        self.open("/")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Experiments")

    def sign_in_anew(self, role="editor"):
        self.open("/sign-in")
        self.page.get_by_label("E-mail").fill(f"{role}@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Experiments")

    def check(self, picture=None):
        """The page fits its window and nothing was refused."""
        self.page.wait_for_load_state()
        self.complaints += self.page.evaluate("window.violations ?? []")
        assert self.complaints == []
        too_wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, f"{self.page.url} is {too_wide} px wider than its window"
        if picture is not None:
            self.page.screenshot(path=picture, full_page=True)


def shown_charts(page):
    return page.locator(".chart:visible svg")
