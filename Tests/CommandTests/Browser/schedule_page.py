# SPDX-License-Identifier: Apache-2.0
"""Uses the page of `ppthreads schedule --html` as a reader would, in a headless Chromium.

Usage: schedule_page.py CHROMIUM PAGE CASES
CASES is JSON: for each case the choices, and the makespan and starts that `OrderTimes` has for them.
Says what is wrong, a line each; ends with code 1 if anything is.
"""

import json
import sys
from urllib.parse import urlencode

from page import check, focus, text, tried

def drawn(browser, figure="one"):
    """Each action of a drawing with the moments that it tells."""
    return browser.value(f"""Object.fromEntries([...document.querySelectorAll("#{figure} .mark")].map(mark =>
        [mark.dataset.action, [mark.dataset.rank, mark.dataset.from, mark.dataset.to]]))""")


def rows(browser):
    """For each order of the table, the values of its figures."""
    return browser.value("""Object.fromEntries([...document.querySelectorAll("#all ~ .scroll tbody tr")].map(row =>
        [row.dataset.key, [...row.cells].slice(1, 5).map(cell => cell.dataset.value)]))""")


def names(browser):
    return browser.value("""[...document.querySelectorAll("#all ~ .scroll tbody tr")].map(row => row.dataset.key)""")


def check_replay(browser, page, cases):
    for case in cases:
        browser.open(page + "#" + urlencode(case["choices"]))
        browser.settle()
        at, name = drawn(browser), json.dumps(case["choices"])
        starts = {action: float(times[1]) for action, times in at.items()}
        check(starts == case["starts"], f"{name}: the drawing's starts are not those of OrderTimes")
        row = rows(browser)[case["choices"]["order"]]
        check(float(row[0]) == case["makespan"], f"{name}: makespan {row[0]}, and {case['makespan']} is right")
        check(abs(float(row[1]) - case["bubble"] * 100) < 1e-9, f"{name}: bubble {row[1]} %")
        check(abs(float(row[2]) - case["idle"]) < 1e-9, f"{name}: idle {row[2]}, and {case['idle']} is right")
        check(abs(float(row[3]) - case["peak"]) < 1e-9, f"{name}: peak {row[3]}, and {case['peak']} is right")


def check_refusals(browser, page, refusals):
    for refusal in refusals:
        browser.open(page + "#" + urlencode(refusal["choices"]))
        browser.settle()
        check(refusal["sentence"] in text(browser, "#verdict"), f"no reason: {text(browser, '#verdict')}")
        height = browser.value("document.querySelector('#one .rows').offsetHeight")
        check(drawn(browser) == {} and height == 0, "a size that is refused is drawn")
        check(names(browser)[-1] == refusal["choices"]["order"] or rows(browser)[names(browser)[-1]][0] == "",
              "orders that are refused do not come last")


def check_sliders(browser, page):
    browser.open("about:blank")
    browser.open(page)
    browser.look(1200)
    for name in ["forward", "input", "weights", "handoff"]:
        before, table, value = drawn(browser), rows(browser), browser.value(f"document.forms[0].{name}.value")
        focus(browser, f"[data-of={name}]")
        browser.press("ArrowRight")
        after = browser.value(f"document.forms[0].{name}.value")
        check(float(after) > float(value), f"{name}: the slider does not move the number from {value}")
        check(drawn(browser) != before, f"{name}: the drawing does not follow the slider")
        check(rows(browser) != table, f"{name}: the table does not follow the slider")
        check(f"{name}={after}" in browser.value("location.hash"), f"{name}: the address does not follow")
    before = rows(browser)["1f1b"]
    browser.value("""{ const slow = document.forms[0].slow; slow.value = "1";
        slow.dispatchEvent(new Event("input", { bubbles: true })); }""")
    browser.settle()
    check(float(rows(browser)["1f1b"][0]) > float(before[0]), "a slow rank makes nothing slower")
    check(not browser.value("document.querySelector('[data-of=slowness]').disabled"), "its slider stays off")


def check_choices(browser, page):
    browser.open("about:blank")
    browser.open(page)
    # Four ranks and eight microbatches: (8 + 3)(F + B), and 4 in flight against 8.
    verdict = "1F1B takes 33 units, as long as GPipe, and holds 4 microbatches at most, 50.0\u00a0% less than GPipe."
    check(text(browser, "#verdict") == verdict, f"the verdict is: {text(browser, '#verdict')}")
    check(len(names(browser)) == browser.value("document.forms[0].order.options.length"), "orders are missing")
    for key in names(browser):
        browser.value(f"document.querySelector('[data-key=\"{key}\"] .choose').click()")
        browser.settle()
        check(browser.value("document.forms[0].order.value") == key, f"{key} cannot be chosen in the table")
        check(drawn(browser) != {} or "no such order" in text(browser, "#verdict"), f"{key} draws nothing")
    focus(browser, "select[name=other]")
    browser.value("document.forms[0].other.value = ''")
    browser.press("ArrowDown")
    check(not browser.value("document.querySelector('#two').hidden"), "no second order by the keyboard")
    before = text(browser, "#verdict")
    for button in range(browser.value("document.querySelectorAll('[data-set]').length")):
        browser.value(f"document.querySelectorAll('[data-set]')[{button}].click()")
        browser.settle()
        check(text(browser, "#verdict") != before, f"question {button} changes nothing")
        check(drawn(browser) != {} and drawn(browser, "two") != {}, f"question {button} draws nothing")
        before = text(browser, "#verdict")
    browser.value("document.forms[0].querySelector('[type=reset]').click()")
    browser.settle()
    check(browser.value("document.forms[0].order.value") == "1f1b", "Start again does not")


def check_table(browser):
    for header, column in [("bubble", 1), ("makespan", 0)]:
        for way in [-1, 1]:
            browser.value(f"""[...document.querySelectorAll("#all ~ .scroll thead th")]
                .find(cell => cell.textContent.startsWith("{header}")).querySelector(".sort").click()""")
            all = rows(browser)
            values = [float(all[key][column]) for key in names(browser) if all[key][column]]
            check(values == sorted(values, reverse=way < 0), f"{header}: not sorted")


def check_details(browser):
    waiting = """[...document.querySelectorAll("#one .mark")].find(mark => mark.querySelector(".wait"))"""
    browser.value(waiting + ".focus()")
    browser.settle()
    shown = text(browser, "#details")
    check(not browser.value("document.querySelector('#details').hidden"), "no details of what has the focus")
    check("waited" in shown and "from" in shown and "which rank" in shown, f"details without a cause: {shown}")
    check(browser.value("document.querySelectorAll('#one .cause').length") == 1, "the cause is not outlined")
    browser.press("ArrowRight")
    check(text(browser, "#details") != shown, "arrow keys do not go on to the next action")
    browser.press("Escape")
    check(browser.value("document.querySelector('#details').hidden"), "Escape does not hide the details")


def check_touch(browser):
    browser.look(390, is_touch=True)
    browser.value("document.querySelector('#one').scrollIntoView()")
    browser.settle()
    browser.tap(*browser.value("""(() => { const at = document.querySelector("#one .mark .task").getBoundingClientRect();
        return [at.left + at.width / 2, at.top + at.height / 2]; })()"""))
    check(not browser.value("document.querySelector('#details').hidden"), "no details of what is touched")


def main():
    program, page, cases = sys.argv[1:4]
    with open(cases, encoding="utf-8") as file:
        cases = json.load(file)

    def checks(browser, url):
        check_replay(browser, url, cases["made"])
        check_refusals(browser, url, cases["refused"])
        check_sliders(browser, url)
        check_choices(browser, url)
        check_table(browser)
        check_details(browser)
        check_touch(browser)

    # In which some actions are too short for their numbers.
    tried(program, page, checks, small="order=zb-h1&ranks=4&microbatches=8&input=0.05")


if __name__ == "__main__":
    main()
