# SPDX-License-Identifier: Apache-2.0
"""Whether a page's words tell what they mean, and its small boxes what they are: by mouse, by keyboard and by touch."""

from page import check

# What is open, as it lies in the window.
OPEN = """(() => {
    const open = document.querySelector(":popover-open");
    if (!open) return null;
    const { left, top, right, bottom } = open.getBoundingClientRect();
    return { id: open.id, text: open.textContent, isSeen: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight };
})()"""
# One button of each term that the page has.
BUTTONS = """[...new Map([...document.querySelectorAll(".term")].filter(term => term.getClientRects().length)
    .map(term => [term.getAttribute("popovertarget"), term])).values()]"""
HEADINGS = """[...document.querySelectorAll("thead th, .legend li")].map(
    heading => [heading.textContent, Boolean(heading.querySelector(".term"))])"""
WORDS = """[...document.querySelectorAll(".meaning dfn")].map(word => word.textContent)"""
DETAILS = """(box => box.hidden ? null : box.textContent)(document.getElementById("details"))"""
# A box that is too small for its number, and that no other mark hides at its middle or just above.
SMALL = """[...document.querySelectorAll(".gantt .mark:has(.task):not(:has(.caption))")].find(mark => {
    mark.scrollIntoView({ block: "center", inline: "center" });
    const at = mark.querySelector(".task").getBoundingClientRect();
    const x = at.left + at.width / 2;
    const hit = y => document.elementFromPoint(x, y)?.closest(".mark, .chart");
    return at.width > 0 && hit(at.top + at.height / 2) === mark && hit(at.top - 6)?.matches(".chart");
})"""


def check_terms(browser):
    count = browser.value(f"{BUTTONS}.length")
    check(count > 0, "no word tells what it means")
    words = browser.value(WORDS)
    for heading, has_button in browser.value(HEADINGS):
        is_word = any(heading == word or heading.startswith(word + ",") for word in words)
        check(has_button or not is_word, f"{heading} does not tell what it means")
    browser.look(1200)
    for index in range(count):
        check_by_keyboard(browser, index)
    browser.look(390, is_touch=True)
    for index in range(browser.value(f"{BUTTONS}.length")):
        check_by_touch(browser, index)


def check_by_keyboard(browser, index):
    browser.press("Tab")
    name, target = browser.value(f"(term => {{ term.focus(); return [term.textContent, term.getAttribute('popovertarget')]; }})({BUTTONS}[{index}])")
    check(browser.value("getComputedStyle(document.activeElement).outlineStyle") != "none", f"{name}: its focus is not seen")
    browser.press("Enter")
    shown = browser.value(OPEN)
    check(shown and shown["id"] == target and shown["isSeen"] and len(shown["text"]) > 20, f"{name}: Enter shows {shown}")
    browser.press("Escape")
    check(browser.value(OPEN) is None, f"{name}: Escape does not close it")
    check(browser.value(f"document.activeElement === {BUTTONS}[{index}]"), f"{name}: Escape loses the focus")


def check_by_touch(browser, index):
    name, x, y = browser.value(f"""(term => {{
        term.scrollIntoView({{ block: "center", inline: "center" }});
        const at = term.getClientRects()[0];
        return [term.textContent, at.left + at.width / 2, at.top + at.height / 2];
    }})({BUTTONS}[{index}])""")
    browser.tap(x, y)
    shown = browser.value(OPEN)
    check(shown and shown["isSeen"], f"{name}: a finger shows {shown}")
    browser.tap(2, 2)
    check(browser.value(OPEN) is None, f"{name}: a finger elsewhere does not close it")


def check_small(browser, must_be):
    browser.look(390)
    browser.settle()
    at = browser.value(f"""(mark => {{
        if (!mark) return null;
        window.small = mark;
        const at = mark.querySelector(".task").getBoundingClientRect();
        return {{ text: mark.getAttribute("aria-label"), x: at.left + at.width / 2, top: at.top, y: at.top + at.height / 2 }};
    }})({SMALL})""")
    if not at:
        return check(not must_be, "no box is too small for its number")
    # What has scrolled tells so in the next frame, and hides what is told.
    browser.settle()
    browser.point(at["x"], at["y"])
    check(browser.value(DETAILS) == at["text"], f"pointed at, a small box tells {browser.value(DETAILS)}, and is {at['text']}")
    browser.point(1, 1)
    check(browser.value(DETAILS) is None, "a small box tells of itself when nobody points at it")
    browser.value("window.small.focus({ preventScroll: true })")
    browser.settle()
    check(browser.value(DETAILS) == at["text"], f"with the focus, a small box tells {browser.value(DETAILS)}")
    browser.value("document.activeElement.blur()")
    # Not by touch: Chromium itself takes a finger beside a box for one on it.
    browser.click(at["x"], at["top"] - 6)
    check(browser.value(DETAILS) == at["text"], f"clicked just above, a small box tells {browser.value(DETAILS)}")
    browser.value("document.activeElement.blur()")
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    browser.tap(at["x"], at["y"])
    check(browser.value(DETAILS) == at["text"], f"touched, a small box tells {browser.value(DETAILS)}")
