// SPDX-License-Identifier: Apache-2.0

extension OrderExplorer {
    /// Draws what a replay says. Across, positions are parts of the time scale; down, they are pixels, as in other charts.
    static let chartScript = Markup.code(
        "script",
        """
        "use strict";
        const pitch = 62, barTop = 4, barHeight = 28, curveTop = 36, curveHeight = 20;

        // As few digits as tell it, three after the point at most.
        const plain = value => String(+value.toFixed(3));
        const counted = (value, one, several = one + "s") => `${plain(value)} ${plain(value) === "1" ? one : several}`;
        const kinds = {
          F: ["forward", "forward"], B: ["backward", "backward"],
          I: ["input gradient", "backward-input"], W: ["weight gradient", "backward-weights"],
        };

        const drawn = (name, attributes, ...children) => {
          const element = document.createElementNS("http:" + "//www.w3.org/2000/svg", name);
          for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
          element.append(...children);
          return element;
        };
        const written = (name, text, className = "") => {
          const element = document.createElement(name);
          element.textContent = text;
          if (className) element.className = className;
          return element;
        };

        const drawChart = (figure, order, result, view) => {
          const svg = figure.querySelector(".chart");
          const box = svg.parentElement;
          const style = getComputedStyle(box);
          const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
          const width = Math.max(room, view.width);
          const height = order.ranks * pitch;
          const part = time => `${view.end > 0 ? time / view.end * 100 : 0}%`;
          const pixels = time => view.end > 0 ? time / view.end * width : 0;
          const marks = new Map();
          const rows = order.lists.map((list, rank) =>
            drawRow(rank, list, order, result, { ...view, part, pixels, marks, top: rank * pitch }));
          svg.setAttribute("height", height + 22);
          svg.style.minWidth = `${view.width}px`;
          svg.setAttribute("aria-label", `${view.title}: each rank's actions over time`);
          svg.replaceChildren(...ticks(view.end, part, height, width));
          for (const row of rows) for (const mark of row) svg.append(mark);
          svg.append(drawn("line", { class: "end", x1: part(result.makespan), x2: part(result.makespan), y1: 0, y2: height }));
          const first = svg.querySelector(".mark");
          if (first) first.setAttribute("tabindex", "0");
          if (view.chain) for (const action of longestChain(order, result)) marks.get(action).classList.add("critical");
          for (const [action, mark] of marks) if (action.sender) senders.set(mark, marks.get(action.sender));
          drawRanks(figure.querySelector(".ranks"), result, view.share);
        };

        const drawRanks = (list, result, share) => list.replaceChildren(...result.idle.map((idle, rank) => {
          const of = result.makespan > 0 ? ` (${(idle / result.makespan * 100).toFixed(0)} %)` : "";
          const item = written("li", `rank ${rank}`);
          item.append(written("small", `idle ${plain(idle)}${of}`), written("small", `peak ${plain(result.peaks[rank] * share)}`));
          return item;
        }));

        const drawRow = (rank, list, order, result, view) => [
          drawn("rect", { class: "track", x: 0, y: view.top + barTop, width: "100%", height: barHeight }),
          ...list.map(action => drawAction(action, order, result, view)),
          drawCurve(result.curves[rank], view),
        ];

        const drawAction = (action, order, result, view) => {
          const { start, end, free, waits } = result.times.get(action);
          const bar = (className, from, to) => drawn("rect", {
            class: className, x: view.part(from), y: view.top + barTop, width: view.part(to - from), height: barHeight });
          const pixels = view.pixels(end - start);
          const mark = drawn("g", {
            class: "mark", role: "img", tabindex: -1, "aria-label": details(action, result, view),
            "data-action": action.name, "data-rank": action.rank, "data-from": start, "data-to": end });
          if (waits && view.pixels(start - free) > 1) mark.append(bar("wait no-input", free, start));
          mark.append(bar(`task ${kinds[action.kind][1]}${pixels < 3 ? " thin" : ""}`, start, end));
          mark.append(...caption(action, pixels, view.part((start + end) / 2), view.top + barTop, order));
          view.marks.set(action, mark);
          return mark;
        };

        const caption = (action, pixels, x, top, order) => {
          const [number, stage] = [`${action.microbatch}`, `s${action.stage}`];
          if (pixels < 7 * number.length + 3) return [];
          const hasStage = order.stages > order.ranks && pixels >= 6 * stage.length + 2;
          const style = `caption in-${kinds[action.kind][1]}`;
          const texts = [drawn("text", { class: style, x, y: top + (hasStage ? 13 : 19) }, number)];
          if (hasStage) texts.push(drawn("text", { class: `${style} small`, x, y: top + 24 }, stage));
          return texts;
        };

        const details = (action, result, view) => {
          const { start, end, free, there, waits } = result.times.get(action);
          const { sender } = action;
          const name = ({ kind, microbatch, stage }) => `${kinds[kind][0]} of microbatch ${microbatch}, stage ${stage}`;
          const lines = [
            `${action.kind}${action.microbatch}: ${name(action)}, on rank ${action.rank}`,
            `from ${plain(start)} to ${plain(end)}: ${counted(end - start, "unit")}`,
          ];
          if (waits) {
            const handoff = view.handoff > 0 ? `, and a hand-off of ${plain(view.handoff)}` : "";
            lines.push(`waited ${counted(start - free, "unit")}, from ${plain(free)} on, for`,
              `  ${name(sender)},`, `  which rank ${sender.rank} ended at ${plain(result.times.get(sender).end)}${handoff}`);
          } else if (sender) {
            lines.push(`waited for nothing: its input was there from ${plain(there)} on,`, `  and its rank free from ${plain(free)} on`);
          } else {
            lines.push(action.index ? "began when its rank was free: nobody sends it anything" : "the first: waits for nothing");
          }
          return lines.join(String.fromCharCode(10));
        };

        // In units of a rank's whole share, to one scale for all ranks and both charts.
        const drawCurve = (curve, view) => {
          const path = curve.map(({ time, count }) => `H${time}V${view.most - count * view.share}`).join("");
          return drawn("svg", {
            class: "curve", x: 0, y: view.top + curveTop, width: "100%", height: curveHeight,
            viewBox: `0 0 ${view.end || 1} ${view.most}`, preserveAspectRatio: "none" },
            drawn("path", { class: "in-flight", d: `M0 ${view.most}${path}V${view.most}Z` }));
        };

        // Far enough from each other for their numbers.
        const ticks = (end, part, height, width) => {
          const power = 10 ** Math.floor(Math.log10(end / 4 || 1));
          const step = [1, 2, 5, 10].map(factor => factor * power).find(step => end / step <= Math.min(8, width / 50)) ?? end;
          const count = step > 0 ? Math.floor(end / step * 1.000001) : 0;
          return Array.from({ length: count + 1 }, (_, index) => {
            const x = part(index * step);
            return [
              drawn("line", { class: "grid", x1: x, x2: x, y1: 0, y2: height }),
              drawn("text", { class: index ? "tick" : "tick first", x, y: height + 15 }, index ? plain(index * step) : "0 units"),
            ];
          }).flat();
        };

        // The action that one receives from stands out while that one is pointed at or has the focus.
        const senders = new WeakMap();
        const outline = event => {
          for (const old of document.querySelectorAll(".cause")) old.classList.remove("cause");
          const mark = event.type === "focusout" ? null : event.target.closest?.(".mark");
          if (mark) senders.get(mark)?.classList.add("cause");
        };
        for (const type of ["pointerover", "focusin", "focusout"]) document.addEventListener(type, outline);
        """)
}
