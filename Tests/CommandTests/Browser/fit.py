# SPDX-License-Identifier: Apache-2.0
"""Whether a page fits a phone's screen and a desktop's window, in light and in dark."""

import base64
import re

from page import check

# Each table with its scrolling box, as it is laid out now.
TABLES = """[...document.querySelectorAll(".scroll:has(> table)")].map(box => {
    const frame = box.getBoundingClientRect();
    const row = box.querySelector("tbody tr");
    const cells = [...row.cells].filter(cell => cell.getClientRects().length);
    box.scrollLeft = 150;
    const kept = cells[0].getBoundingClientRect().left - frame.left;
    box.scrollLeft = 0;
    return { name: box.getAttribute("aria-label"), content: box.scrollWidth, room: box.clientWidth, left: frame.left,
        right: frame.right, kept, isFigure: !cells[1].matches(".text"), end: cells[1].getBoundingClientRect().right };
})"""

# Each flag that the page shows, with the number of lines that it stands on.
FLAGS = """(() => {
    const found = [];
    const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
        for (const match of node.data.matchAll(/--[a-z][a-z-]*/g)) {
            const range = document.createRange();
            range.setStart(node, match.index);
            range.setEnd(node, match.index + match[0].length);
            found.push([match[0], new Set([...range.getClientRects()].map(at => Math.round(at.top))).size]);
        }
    return found;
})()"""

# Headings of charts and what stands in them that reach beyond the page.
CUT = """[...document.querySelectorAll(".chart")].filter(chart => !chart.closest(".scroll")).flatMap(chart =>
    [...chart.querySelectorAll("text")].filter(text => text.getBoundingClientRect().right > innerWidth + 1
        || text.getBoundingClientRect().left < -1).map(text => text.textContent))"""


def check_fit(browser, pictures=None):
    """At both widths and in both themes; tables that can be opened are."""
    browser.value("for (const details of document.querySelectorAll('details')) details.open = true")
    for width in [390, 1200]:
        for is_dark in [False, True]:
            browser.look(width, is_dark=is_dark, is_touch=width < 600)
            scroll = browser.value("document.scrollingElement.scrollWidth")
            check(scroll <= width, f"{width} pixels: the page is {scroll} wide")
            if pictures:
                title = re.sub("[^a-z]+", "-", browser.value("document.title").split(":")[0].lower())
                with open(f"{pictures}/{title}-{width}-{'dark' if is_dark else 'light'}.png", "wb") as file:
                    file.write(base64.b64decode(browser.picture()))
        for table in browser.value(TABLES):
            check_table_fits(table, width)
        for flag, lines in browser.value(FLAGS):
            check(lines == 1, f"{width} pixels: {flag} stands on {lines} lines")
        for text in browser.value(CUT):
            check(False, f"{width} pixels: the page cuts {text!r}")


def check_table_fits(table, width):
    what = f"{width} pixels: the table of {table['name']}"
    check(table["left"] >= 0 and table["right"] <= width, f"{what} reaches beyond the page")
    if width == 1200:
        check(table["content"] <= table["room"], f"{what} is cut: {table['content']} of {table['room']}")
    else:
        check(table["isFigure"] and table["end"] <= table["right"], f"{what} does not show its first figures")
        check(abs(table["kept"]) <= 1, f"{what} loses its rows' names when it scrolls")
