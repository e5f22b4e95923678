"""What every page of every app must be in a browser: accessible, narrow enough, quiet.

faults_of(page, "overview")     axe's violations, small targets, at two sizes in light and dark
Watch(context, home)            errors in the console, requests to other hosts
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
AXE = {
    "light": {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]},
    # Nothing but colours differs in the dark.
    "dark": {"runOnly": {"type": "rule", "values": COLOURS}, "resultTypes": ["violations"]},
}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
TARGETS = """() => {
  const small = [];
  const all = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  for (const one of document.querySelectorAll(all)) {
    if (one.type === "hidden" || !one.checkVisibility()) continue;
    const style = getComputedStyle(one), text = one.closest("p, li, dd, td");
    // WCAG 2.5.8: a link in a line of text is excepted.
    if (one.matches("a") && style.display === "inline" && text
        && text.innerText.trim() !== one.innerText.trim()) continue;
    const box = (one.closest("label") || one).getBoundingClientRect();
    if (box.bottom < 0) continue;  // the jump link, before it has the focus
    if (box.width < 23.99 || box.height < 23.99)
      small.push(`${one.outerHTML.slice(0, 80)} is ${box.width} x ${box.height}`);
  }
  return small;
}"""


class Watch:
    """What a browser context said and asked for."""

    def __init__(self, context: Any, home: str) -> None:
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.home = home
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.home + "/", "data:", "about:", "blob:")):
            self.elsewhere.append(request.url)

    def nothing(self, *, but: str = "") -> None:
        """Assert that all was quiet; `but` may stand in complaints that were provoked."""
        left = [one for one in self.complaints if not but or but not in one]
        assert (left, self.elsewhere) == ([], [])


def no_sideways(page: Any, width: int) -> None:
    """Nothing sticks out: the page is no wider than the screen (WCAG 1.4.10)."""
    size = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert size[0] <= width, f"{page.url}: {size[0]} px wide on a screen of {width}"


def faults_of(page: Any, name: str) -> list[str]:
    """What is wrong with the page that is shown, at both sizes, in light and in dark."""
    axe, found = Axe(), []
    page.evaluate(axe.axe_script)
    axe.axe_script = "0"  # once a page is enough
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        no_sideways(page, size["width"])
        found += [f"{name} at {size['width']}: {one}" for one in page.evaluate(TARGETS)]
        for scheme, options in AXE.items():
            page.emulate_media(color_scheme=scheme)
            result = axe.run(page, options=options).response
            found += [
                f"{name}, {scheme}, {size['width']}: {one['id']}: {node['html'][:160]}"
                for one in result["violations"]
                for node in one["nodes"]
            ]
    return found
