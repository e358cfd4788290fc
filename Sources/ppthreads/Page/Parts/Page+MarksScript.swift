// SPDX-License-Identifier: Apache-2.0

extension Page {
    /// Details of a mark in a box of their own, such as the number of one that is too small for it: for mouse, touch and
    /// keyboard, where each chart is one stop and arrow keys go on inside.
    static let marksScript = Markup.code(
        "script",
        """
        (() => {
          const box = document.createElement("div");
          box.id = "details";
          box.hidden = true;
          document.body.append(box);
          const hide = () => { box.hidden = true; };
          const show = (mark, x, y) => {
            box.textContent = mark.getAttribute("aria-label");
            box.hidden = false;
            const beside = (at, size, room) => Math.max(8, at + 12 + size > room - 8 ? at - 12 - size : at + 12);
            const left = beside(x, box.offsetWidth, innerWidth), top = beside(y, box.offsetHeight, innerHeight);
            box.style.transform = `translate(${Math.min(left, innerWidth - 8 - box.offsetWidth)}px, ${top}px)`;
          };
          for (const chart of document.querySelectorAll(".chart")) {
            chart.querySelectorAll(".mark").forEach((mark, index) => {
              const title = mark.querySelector("title");
              mark.setAttribute("aria-label", title.textContent);
              mark.setAttribute("role", "img");
              mark.setAttribute("tabindex", index ? "-1" : "0");
              title.remove();
            });
          }
          // The document listens, since a page's own script may make marks later.
          const markOf = event => event.target.closest?.(".mark");
          let pointed = null;
          const point = event => {
            const mark = markOf(event);
            if (mark) show(mark, event.clientX, event.clientY);
            else if (pointed) hide();
            pointed = mark;
          };
          document.addEventListener("pointermove", point);
          document.addEventListener("pointerdown", point);
          document.documentElement.addEventListener("pointerleave", hide);
          document.addEventListener("focusout", event => { if (markOf(event)) hide(); });
          const showBelow = mark => {
            const at = mark.getBoundingClientRect();
            show(mark, Math.max(at.left, 0), at.bottom);
          };
          document.addEventListener("focusin", event => { if (markOf(event)) showBelow(markOf(event)); });
          // A finger is wider than many a mark: what is nearest to it within this many pixels gets the focus.
          const reach = 16;
          const nearest = (marks, x, y) => {
            const distance = mark => {
              const { left, right, top, bottom } = mark.getBoundingClientRect();
              return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
            };
            const all = [...marks].map(mark => ({ mark, pixels: distance(mark) })).filter(({ pixels }) => pixels <= reach);
            return all.sort((a, b) => a.pixels - b.pixels)[0]?.mark;
          };
          document.addEventListener("click", event => {
            const chart = markOf(event) ? null : event.target.closest?.(".chart");
            if (chart) nearest(chart.querySelectorAll(".mark"), event.clientX, event.clientY)?.focus({ preventScroll: true });
          });
          // What has the focus may be scrolled to; what is pointed at moves away.
          document.addEventListener("scroll", () => {
            const mark = document.activeElement?.closest(".mark");
            if (mark && !box.hidden) showBelow(mark);
            else hide();
          }, true);
          document.addEventListener("keydown", event => {
            const mark = markOf(event);
            if (event.key === "Escape") hide();
            if (!mark) return;
            const marks = [...mark.closest(".chart").querySelectorAll(".mark")];
            const index = marks.indexOf(mark);
            const to = { ArrowRight: index + 1, ArrowDown: index + 1, ArrowLeft: index - 1, ArrowUp: index - 1,
              Home: 0, End: marks.length - 1 }[event.key];
            if (!marks[to]) return;
            event.preventDefault();
            mark.setAttribute("tabindex", "-1");
            marks[to].setAttribute("tabindex", "0");
            marks[to].focus();
          });
        })();
        """)
}
