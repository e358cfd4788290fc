// SPDX-License-Identifier: Apache-2.0

extension OrderExplorer {
    /// What this page has besides the common style.
    static let style = Markup.code(
        "style",
        """
        [hidden] { display: none !important; }
        #choices { margin: 1rem 0; padding: .75rem 1rem 1rem; background: var(--raised); border-radius: .25rem; }
        fieldset { border: 0; margin: 0 0 .75rem; padding: 0; min-width: 0; }
        legend { padding: 0; color: var(--muted); font-size: .75rem; font-weight: 600; }
        .inputs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(9rem, 100%), 1fr)); gap: .5rem 1.25rem;
          align-items: end; }
        .choice span, .slider span { display: block; font-size: .875rem; }
        select, input[type="number"], #choices button, .lessons button { font: inherit; font-size: .9375rem; color: var(--text);
          background: var(--surface); border: 1px solid var(--muted); border-radius: .25rem; padding: .3rem .5rem; min-height: 2.25rem; }
        select { width: 100%; }
        .slider { display: grid; grid-template: "title title" "range number" / 1fr 5.25rem; gap: 0 .5rem; align-items: center; }
        .slider label { display: contents; }
        .slider span { grid-area: title; }
        input[type="number"] { grid-area: number; width: 100%; padding: .3rem .35rem; text-align: right; }
        input[type="range"] { grid-area: range; width: 100%; height: 2.25rem; margin: 0; accent-color: var(--accent); }
        :disabled { opacity: .5; }
        input[type="checkbox"] { width: 1.1rem; height: 1.1rem; margin: .2rem 0 0; flex: none; accent-color: var(--accent); }
        .checks { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; font-size: .875rem; }
        .checks label { display: flex; gap: .5rem; }
        .checks button { margin-left: auto; }
        button:hover, select:hover { border-color: var(--text); }
        .lessons ul { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0 1rem; padding: 0; list-style: none; }
        .lessons button { text-align: left; cursor: pointer; }
        select:focus-visible, input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }

        .order figcaption { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin-bottom: .25rem; white-space: normal;
          font-variant-numeric: tabular-nums; }
        .order .ranks { flex: none; width: 6.75rem; }
        .order .ranks li { height: 62px; line-height: 1.3; padding-top: 4px; }
        .order .ranks small { font-size: .6875rem; }
        .order .scroll { padding: 0 1.5rem 0 1rem; }
        .mark.critical .task { stroke: var(--text); stroke-width: 2; }
        .mark.cause .task { stroke: var(--alarm); stroke-width: 3; }
        .mark:hover .task { stroke: var(--text); stroke-width: 2; }

        .chart .tick.first { text-anchor: start; }
        #all ~ .scroll thead th { white-space: normal; min-width: 4.75rem; }
        #all ~ .scroll th:nth-last-child(-n+2) { text-align: left; }
        .wrap { white-space: normal; min-width: 15rem; font-size: .8125rem; }
        .refusal, small.refusal { color: var(--alarm); }
        .choose { all: unset; cursor: pointer; text-decoration: underline; text-underline-offset: .2em; }
        .chosen, .compared { background: var(--raised); }
        .chosen .choose { text-decoration-thickness: .2em; }
        .chosen th:first-child { box-shadow: inset .2rem 0 var(--accent); padding-left: .5rem; }
        .compared th:first-child { box-shadow: inset .2rem 0 var(--muted); padding-left: .5rem; }
        #about .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); }
        @media (max-width: 40rem) {
          .times { grid-template-columns: 1fr; }
          .slider { grid-template: "title range number" / 5.5rem 1fr 5.25rem; }
          .checks button { margin-left: 0; }
        }
        """)
}
