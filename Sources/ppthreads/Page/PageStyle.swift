// SPDX-License-Identifier: Apache-2.0

/// What the page looks like and how it answers. Colours of terms and tasks are Okabe and Ito's, which colour-blind readers
/// can tell apart.
extension Page {
    static let style = Markup.code(
        "style",
        """
        :root {
          color-scheme: light dark;
          --surface: #ffffff; --raised: #f3f4f6; --text: #16191d; --muted: #57606a; --rule: #d4d8dd;
          --blue: #0072b2; --orange: #e69f00; --sky: #56b4e9; --purple: #cc79a7; --red: #d55e00; --green: #009e73;
          --yellow: #f0e442; --grey: #8c8c8c;
        }
        @media (prefers-color-scheme: dark) {
          :root { --surface: #14171a; --raised: #20252a; --text: #e8eaed; --muted: #a4adb7; --rule: #3b434b; --blue: #1579b8; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--surface); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
        main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
        h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 1rem; text-wrap: balance; }
        h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
        p { max-width: 48rem; margin: .5rem 0; }
        pre { margin: 1rem 0; padding: .5rem .75rem; background: var(--raised); border-radius: .25rem; white-space: pre-wrap;
          overflow-wrap: anywhere; font-size: .875rem; }
        small { display: block; color: var(--muted); font-size: .75rem; }
        .verdict { border-left: .2rem solid var(--blue); padding-left: .75rem; }
        .note { color: var(--muted); }
        .facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0; }
        .facts dt { color: var(--muted); font-size: .75rem; }
        .facts dd { margin: 0; overflow-wrap: anywhere; }
        .definitions { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr));
          gap: .75rem 2rem; }
        .definitions dt { font-weight: 600; }
        .definitions dd { margin: 0; color: var(--muted); font-size: .875rem; }

        .scroll { overflow-x: auto; }
        .tall { max-height: 36rem; overflow-y: auto; }
        .tall thead th { position: sticky; top: 0; background: var(--surface); }
        table { border-collapse: collapse; min-width: 100%; font-variant-numeric: tabular-nums; white-space: nowrap; }
        caption { text-align: left; color: var(--muted); font-size: .875rem; max-width: calc(100vw - 2rem); white-space: normal; }
        th, td { padding: .35rem .6rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); }
        th:first-child, td.text, th.text { text-align: left; }
        th:first-child { padding-left: 0; }
        thead th { vertical-align: bottom; font-size: .875rem; color: var(--muted); font-weight: 600; }
        tbody th, tfoot th { font-weight: 600; }
        tfoot td, tfoot th { color: var(--muted); }
        thead button { all: unset; cursor: pointer; }
        thead button:hover { text-decoration: underline; }
        thead button:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--blue); }
        thead button::after { content: "\\a0\\2195"; opacity: .6; }
        [aria-sort="ascending"] button::after { content: "\\a0\\2191"; opacity: 1; }
        [aria-sort="descending"] button::after { content: "\\a0\\2193"; opacity: 1; }
        details { margin-top: .5rem; }
        summary { cursor: pointer; color: var(--muted); }

        .legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0; padding: 0; list-style: none;
          font-size: .875rem; }
        .key { margin-right: .4rem; vertical-align: -2px; }
        .defs { position: absolute; }
        .chart { display: block; width: 100%; overflow: visible; }
        section > .chart { width: calc(100% - 1.5rem); margin: 0 .75rem; }
        .chart text { fill: var(--text); font-size: 13px; }
        .chart .tick { fill: var(--muted); font-size: 12px; text-anchor: middle; }
        .chart .name { font-weight: 600; }
        .chart .sum { text-anchor: end; font-variant-numeric: tabular-nums; }
        .grid { stroke: var(--rule); }
        .hit { fill: transparent; }
        .whisker { stroke: var(--text); stroke-width: 1.5; }
        .mark:focus { outline: none; }
        .mark:focus .hit, .mark:focus .task, .mark:focus .wait { stroke: var(--text); stroke-width: 2; }
        .mark:focus .handoff { stroke-width: 3; }
        .mark:hover .hit { fill: var(--raised); opacity: .6; }
        .mark:hover .handoff { stroke-width: 2.5; }

        .work, .forward { fill: var(--blue); }
        .imbalance, .backward { fill: var(--orange); }
        .bubble { fill: var(--sky); }
        .oversubscription, .backward-weights { fill: var(--purple); }
        .transport { fill: var(--red); }
        .optimizer, .update { fill: var(--green); }
        .backward-input { fill: var(--yellow); }
        .packing { fill: var(--grey); }
        .solid { fill: currentColor; }
        .outline { fill: none; stroke: currentColor; stroke-width: 1.5; }
        .series { stroke: currentColor; stroke-width: 2; }
        .point { stroke: var(--surface); stroke-width: 1; }
        .halo { paint-order: stroke; stroke: var(--surface); stroke-width: 4px; stroke-linejoin: round; }
        .ideal { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
        .chart .axis { fill: var(--muted); text-anchor: middle; }
        .chart .aside { fill: var(--muted); font-size: 12px; }
        .no-input { fill: url(#no-input); }
        .no-room { fill: url(#no-room); }
        .pale { fill: var(--raised); }
        .hatch { stroke: var(--muted); stroke-width: 1; }

        .gantt { margin: 1rem 0 1.5rem; }
        .gantt figcaption { white-space: pre-wrap; }
        .rows { display: flex; }
        .rows .scroll { flex: 1; min-width: 0; padding: 0 1.5rem 0 1.25rem; }
        .ranks { margin: 0; padding: 0; list-style: none; white-space: nowrap; font-size: .8125rem; color: var(--muted); }
        .ranks li { height: 50px; line-height: 50px; }
        .track { fill: var(--raised); }
        .task { stroke: var(--surface); stroke-width: 1; }
        .task.thin { stroke: none; }
        .chart .caption { fill: #111111; font-size: 12px; text-anchor: middle; pointer-events: none; }
        .chart .caption.small { font-size: 10px; }
        .chart .in-forward { fill: #ffffff; }
        .handoff { stroke: var(--text); stroke-width: 1; opacity: .7; marker-end: url(#arrow); }
        .reach { stroke: transparent; stroke-width: 7; }
        .arrow { fill: var(--text); }
        .end { stroke: var(--muted); stroke-dasharray: 4 3; }
        #details { position: fixed; z-index: 1; left: 0; top: 0; max-width: calc(100vw - 1rem); padding: .4rem .6rem;
          background: var(--text); color: var(--surface); border-radius: .25rem; font: 12px/1.45 ui-monospace, monospace;
          white-space: pre-wrap; pointer-events: none; }
        @media (max-width: 40rem) {
          table { font-size: .875rem; }
          th, td { padding: .35rem .4rem; }
          #details { font-size: 10px; }
          tbody th, tfoot th { white-space: normal; min-width: 6.5rem; }
        }
        """)

    /// How waits are hatched, and the head of an arrow.
    static let patterns = Markup.element(
        "svg", ["class": "defs", "width": "0", "height": "0", "aria-hidden": "true"],
        .element(
            "defs", [:],
            [
                pattern("no-input", angle: 45), pattern("no-room", angle: 90),
                .element(
                    "marker",
                    [
                        "id": "arrow", "viewBox": "0 0 6 6", "refX": "6", "refY": "3", "markerWidth": "6",
                        "markerHeight": "6", "orient": "auto", "markerUnits": "userSpaceOnUse",
                    ], .element("path", ["class": "arrow", "d": "M0 0L6 3L0 6z"])),
            ]))

    private static func pattern(_ id: String, angle: Int) -> Markup {
        .element(
            "pattern",
            [
                "id": id, "width": "6", "height": "6", "patternUnits": "userSpaceOnUse",
                "patternTransform": "rotate(\(angle))",
            ],
            [
                .rectangle("pale", x: "0", y: 0, width: "6", height: 6),
                .line("hatch", from: ("3", 0), to: ("3", 6)),
            ])
    }

    /// Details in a box of their own for mouse and keyboard, where each chart is one stop and arrow keys go on inside; and
    /// headers that sort.
    static let script = Markup.code(
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
          const compare = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
          // Rows without a value come last, whichever way the others stand.
          const sort = (table, column, sign) => {
            const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
            const rows = [...table.tBodies[0].rows].sort((a, b) => {
              const [x, y] = [value(a), value(b)];
              return x && y ? sign * compare(x, y) : !x - !y;
            });
            table.tBodies[0].append(...rows);
          };
          for (const table of document.querySelectorAll(".sortable")) {
            const headers = [...table.tHead.rows[0].cells];
            const again = () => headers.forEach((header, column) => {
              const order = header.getAttribute("aria-sort");
              if (order) sort(table, column, order === "ascending" ? 1 : -1);
            });
            // Sent by a script that has changed values.
            table.addEventListener("sort", again);
            for (const header of headers) {
              const button = document.createElement("button");
              button.type = "button";
              button.append(...header.childNodes);
              header.append(button);
              button.addEventListener("click", () => {
                const order = header.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
                for (const other of headers) other.removeAttribute("aria-sort");
                header.setAttribute("aria-sort", order);
                again();
              });
            }
          }
        })();
        """)
}
