# SPDX-License-Identifier: Apache-2.0
"""A page in a headless Chromium, over the pipe of its DevTools protocol. Python's standard library alone."""

import json
import os
import select
import subprocess
import tempfile
import time

SECONDS_MOST = 60


class Browser:
    """One browser with one page. What goes wrong in the page, and what it loads, is in `problems` and `requests`."""

    def __init__(self, program):
        self.problems, self.requests = [], []
        self._number, self._answers, self._rest = 0, {}, b""
        self._profile = tempfile.TemporaryDirectory(prefix="ppthreads-browser-", ignore_cleanup_errors=True)
        (theirs, self._to), (self._from, back) = os.pipe(), os.pipe()
        # The protocol's pipe is descriptors 3 and 4 of the browser.
        script = f'exec "$@" 3<&{theirs} 4>&{back} </dev/null'
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                 "--remote-debugging-pipe", f"--user-data-dir={self._profile.name}"]
        self._process = subprocess.Popen(["/bin/sh", "-c", script, "sh", program] + flags, pass_fds=[theirs, back],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(back)
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(domain + ".enable")

    def close(self):
        self._session = None
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def call(self, method, **parameters):
        """The result of a method of the protocol, once it is there."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda: self._answers.pop(message["id"], None))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _until(self, found):
        end = time.monotonic() + SECONDS_MOST
        while (result := found()) is None:
            if not select.select([self._from], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"the browser says nothing for {SECONDS_MOST} s")
            chunk = os.read(self._from, 1 << 20)
            if not chunk:
                raise EOFError("the browser has ended")
            *messages, self._rest = (self._rest + chunk).split(b"\0")
            for message in messages:
                self._take(json.loads(message))
        return result

    def _take(self, message):
        if "id" in message:
            self._answers[message["id"]] = message
            return
        method, event = message["method"], message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(" ".join(str(argument.get("value")) for argument in event["args"]))
        elif method == "Log.entryAdded":
            self.problems.append(event["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Page.loadEventFired":
            self._answers["load"] = message

    def open(self, url):
        self._answers.pop("load", None)
        # Another fragment of the same page loads nothing.
        if "loaderId" not in self.call("Page.navigate", url=url):
            return self.settle()
        self._until(lambda: self._answers.pop("load", None))

    def value(self, expression):
        """What an expression of the page's is, as JSON has it; of a promise, what it comes to."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", expression))
        return answer["result"].get("value")

    def settle(self):
        """Waits until what has changed is drawn: a page that has yet to draw says that it is busy."""
        self.value("""new Promise(done => {
            const look = () => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(
                () => document.querySelector("[aria-busy]") ? look() : setTimeout(done))), 5);
            look();
        })""")

    def press(self, key, code=None):
        for kind in ["keyDown", "keyUp"]:
            # Without its character, Enter presses no button.
            typed = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                      windowsVirtualKeyCode=VIRTUAL_KEYS.get(key, 0), **typed)
        self.settle()

    def point(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def click(self, x, y):
        for kind in ["mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def tap(self, x, y):
        """A finger on the screen and off again, with the click that browsers make of it."""
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def look(self, width, height=900, is_dark=False, is_touch=False):
        """The size of the window, and what the reader prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_touch)
        self.call("Emulation.setTouchEmulationEnabled", enabled=is_touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.settle()

    def picture(self, is_whole=True):
        """A PNG, in base 64."""
        return self.call("Page.captureScreenshot", format="png", captureBeyondViewport=is_whole)["data"]


VIRTUAL_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
                "ArrowRight": 39, "ArrowDown": 40}
