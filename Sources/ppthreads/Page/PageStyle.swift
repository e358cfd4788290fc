// SPDX-License-Identifier: Apache-2.0

/// What the page looks like; palettes have the colours that mean something.
extension Page {
    static let style = Markup.code(
        "style",
        """
        :root {
          color-scheme: light dark;
          --surface: #ffffff; --raised: #f3f4f6; --text: #16191d; --muted: #57606a; --rule: #d4d8dd;
          --accent: #0b5cad; --alarm: #b3261e;
        }
        @media (prefers-color-scheme: dark) {
          :root { --surface: #14171a; --raised: #20252a; --text: #e8eaed; --muted: #a4adb7; --rule: #3b434b;
            --accent: #6cb2f5; --alarm: #f28b82; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--surface); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
        main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
        h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 1rem; text-wrap: balance; }
        h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
        p { max-width: 48rem; margin: .5rem 0; }
        pre { margin: 1rem 0; padding: .5rem .75rem; background: var(--raised); border-radius: .25rem; white-space: pre-wrap;
          overflow-x: auto; font-size: .875rem; }
        .unbroken { white-space: pre; }
        small { display: block; color: var(--muted); font-size: .75rem; }
        .verdict { border-left: .2rem solid var(--accent); padding-left: .75rem; }
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
        .tall thead th { position: sticky; top: 0; z-index: 1; }
        .scroll th:first-child { position: sticky; left: 0; z-index: 1; }
        .tall thead th:first-child { z-index: 2; }
        tr, th { background: var(--surface); }
        tbody th { background: inherit; }
        table { border-collapse: separate; border-spacing: 0; min-width: 100%; font-variant-numeric: tabular-nums; white-space: nowrap; }
        caption { text-align: left; color: var(--muted); font-size: .875rem; max-width: calc(100vw - 2rem); white-space: normal; }
        th, td { padding: .35rem .6rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); }
        th:first-child, td.text, th.text { text-align: left; }
        th:first-child { padding-left: 0; }
        thead th { white-space: normal; vertical-align: bottom; font-size: .875rem; color: var(--muted); font-weight: 600; }
        tbody th, tfoot th { font-weight: 600; }
        tfoot td, tfoot th { color: var(--muted); }
        .brief { display: none; font-weight: 400; white-space: normal; }
        .crowded .brief { display: block; }
        .crowded .setting { display: none; }
        .sort { all: unset; cursor: pointer; }
        .sortable thead th { cursor: pointer; }
        :is(summary, .scroll, pre, .sort, .term):focus-visible { outline: 2px solid var(--accent); }
        .sort::after { content: "\\a0\\2195"; opacity: .6; }
        [aria-sort="ascending"] .sort::after { content: "\\a0\\2191"; opacity: 1; }
        [aria-sort="descending"] .sort::after { content: "\\a0\\2193"; opacity: 1; }
        .term { all: unset; cursor: help; text-decoration: underline dotted; text-underline-offset: .2em; }
        .term:hover { text-decoration-style: solid; }
        .meaning { position: fixed; inset: auto; position-area: bottom span-right; margin: .25rem 0; border: 0;
          position-try-fallbacks: flip-inline, flip-block, flip-block flip-inline; max-width: min(24rem, calc(100vw - 1rem));
          padding: .4rem .6rem; background: var(--text); color: var(--surface); border-radius: .25rem; font-size: .875rem; }
        .meaning dfn { font-weight: 600; font-style: normal; }
        @supports not (position-area: bottom) { .meaning { inset: auto .5rem .5rem; margin: 0 auto; } }
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
        .wait.imbalance { opacity: .6; }
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
        .caption { pointer-events: none; }
        .chart .caption { font-size: 12px; text-anchor: middle; }
        .chart .caption.small { font-size: 10px; }
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
          tbody th, tfoot th { white-space: normal; min-width: 6.5rem; max-width: 11rem; }
          th:has(.brief) { min-width: 9rem; }
          .setting { display: none; }
          .brief { display: block; }
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
}
