# SPDX-License-Identifier: Apache-2.0
"""What holds for every page, whatever it shows: tried in a headless Chromium."""

import json
import os
import sys

from devtools import Browser

faults = []


def check(is_right, what):
    if not is_right:
        faults.append(what)


def text(browser, selector):
    return browser.value(f"document.querySelector({json.dumps(selector)}).textContent")


def focus(browser, selector):
    browser.value(f"document.querySelector({json.dumps(selector)}).focus()")


def check_ids(browser):
    ids = browser.value("[...document.querySelectorAll('[id]')].map(element => element.id)")
    check(len(ids) == len(set(ids)), f"several elements have one id: {sorted(ids)}")


def check_console(browser, url):
    faults.extend(f"in the console: {problem}" for problem in browser.problems)
    others = {request for request in browser.requests if request.split("#")[0] not in [url, "about:blank"]}
    check(not others, f"loaded: {others}")


def tried(program, page, checks=lambda browser, url: None, small=None):
    """Opens a page, does all of that with it and what every page is for; ends with what was wrong.

    `small` is the address's fragment with which some of the page's boxes are too small for their numbers, if it takes one.
    """
    # They check by what stands above.
    from answers import check_small, check_terms
    from fit import check_fit
    url = "file://" + os.path.abspath(page)
    browser = Browser(program)
    try:
        browser.open(url)
        check_ids(browser)
        checks(browser, url)
        check_fit(browser, os.environ.get("PPTHREADS_PICTURES"))
        check_terms(browser)
        if small:
            browser.open("about:blank")
            browser.open(f"{url}#{small}")
        check_small(browser, must_be=bool(small))
        check_console(browser, url)
    finally:
        browser.close()
    print("\n".join(faults) or "all is well")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    # page.py CHROMIUM PAGE: a page that answers nothing of its own. Under its own name, so that there is one list of faults.
    import page
    page.tried(*sys.argv[1:3])
