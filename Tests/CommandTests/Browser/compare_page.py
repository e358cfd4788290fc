# SPDX-License-Identifier: Apache-2.0
"""Uses the orders on the page of `ppthreads compare --html` as a reader would, in a headless Chromium.

Usage: compare_page.py CHROMIUM PAGE CASE
CASE is JSON: the keys and titles of the first two schedules, the inputs' numbers, and how many actions each has.
Says what is wrong, a line each; ends with code 1 if anything is.
"""

import json
import sys

from page import check, text, tried
from schedule_page import check_sliders, check_table, drawn


def check_case(browser, case):
    for figure, key, title, count in zip(["one", "two"], case["keys"], case["titles"], case["actions"]):
        at = drawn(browser, figure)
        check(len(at) == count, f"{key}: {len(at)} actions are drawn, and {count} are right")
        check(title in text(browser, f"#{figure} figcaption"), f"{key}: its title is {text(browser, f'#{figure} figcaption')}")
    for name, number in case["inputs"].items():
        value = browser.value(f"document.forms[0].{name}.value")
        check(float(value) == number, f"{name} is {value}, and {number} is right")
    check(case["makespan"] in text(browser, "#verdict"), f"no {case['makespan']}: {text(browser, '#verdict')}")


def main():
    program, page, case = sys.argv[1:4]
    with open(case, encoding="utf-8") as file:
        case = json.load(file)

    def checks(browser, url):
        check_case(browser, case)
        check_sliders(browser, url)
        check_table(browser)

    tried(program, page, checks)


main()
