"""Opens JupyterLabs in turns, with an empty cache each time: a program for JupyterLab's environment."""

from __future__ import annotations

import functools
import json
import sys
from typing import TYPE_CHECKING, Any, Dict, List

from benchmarks._chromium import chromium
from benchmarks.measure import interleaved

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Milliseconds after the shell is shown in which requests still count.
_AFTERWARDS = 1_500
#: Visits whose requests are counted: how many there are hardly varies.
_COUNTED = 3
#: The shell is shown when its dock panel can be seen and the splash screen has gone.
_SHOWN = """
window.shown = new Promise(resolve => {
  const look = () => {
    const dock = document.getElementById('jp-main-dock-panel');
    if (dock?.getClientRects().length && !document.getElementById('jupyterlab-splash')) {
      resolve(performance.now());
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
});
"""


def time_shown(browser: Browser, url: str) -> float:
    """Return the seconds until the shell is shown."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        return _opened(context.new_page(), url)
    finally:
        context.close()


def requests(browser: Browser, url: str) -> Dict[str, Any]:
    """Return the bytes that JupyterLab has sent soon after its shell is shown, and what it was asked for."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        urls: List[str] = []
        sizes: List[float] = []
        network = context.new_cdp_session(page)
        network.on("Network.requestWillBeSent", lambda event: urls.append(event["request"]["url"]))
        network.on("Network.webSocketCreated", lambda event: urls.append(event["url"]))
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        network.send("Network.enable")
        _opened(page, url)
        page.wait_for_timeout(_AFTERWARDS)
        return {"bytes": sum(sizes), "urls": urls}
    finally:
        context.close()


def _opened(page: Page, url: str) -> float:
    page.add_init_script(_SHOWN)
    page.goto(url, wait_until="commit")
    return float(page.evaluate("window.shown")) / 1000


def main() -> None:
    """Answer ``{"urls": {name: url}, "rounds": number}`` for each of these JupyterLabs."""
    question = json.loads(sys.argv[1])
    urls: Dict[str, str] = question["urls"]
    with chromium() as browser:
        shown = interleaved(
            {name: functools.partial(time_shown, browser, url) for name, url in urls.items()}, question["rounds"]
        )
        counted = {name: [requests(browser, url) for _ in range(_COUNTED)] for name, url in urls.items()}
    print(json.dumps({name: {"shown": shown[name].values, "visits": counted[name]} for name in urls}))


if __name__ == "__main__":
    main()
