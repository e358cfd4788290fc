// SPDX-License-Identifier: Apache-2.0

extension OrderExplorer {
    /// Reads the inputs, and draws again whenever one of them changes. The address holds what was chosen.
    static let script = Markup.code(
        "script",
        """
        "use strict";
        (() => {
          const page = JSON.parse(document.getElementById("orders").textContent);
          const form = document.getElementById("choices");
          const input = name => form.elements.namedItem(name);
          const orders = new Map(page.orders.map(order => [order.key, order]));
          const read = new Map();

          // Of the P and M that are chosen: the size, and its order unless it is refused.
          const sizeOf = order => order.sizes.find(size =>
            size.ranks === +input("ranks").value && size.microbatches === +input("microbatches").value);
          const replayed = (key, costs) => {
            const order = orders.get(key);
            if (!order) return null;
            const size = sizeOf(order);
            const one = { order, size, title: order.title, refusal: size.refusal };
            if (size.refusal) return one;
            if (!read.has(size)) read.set(size, readOrder(size));
            const lists = read.get(size);
            const result = replay(lists, costs);
            return { ...one, lists, result, share: lists.share, peak: Math.max(...result.peaks) * lists.share };
          };

          const number = name => {
            const { value, min, max } = input(name);
            return value === "" || isNaN(value) ? +min : Math.min(Math.max(+value, +min), +max);
          };
          const costsChosen = () => ({
            forward: number("forward"), input: number("input"), weights: number("weights"), handoff: number("handoff"),
            isOfStage: input("stage").checked, slowness: number("slowness"),
            slow: input("slow").value === "" ? null : +input("slow").value,
          });

          // MARK: Drawing

          const draw = () => {
            const costs = costsChosen();
            const all = new Map(page.orders.map(order => [order.key, replayed(order.key, costs)]));
            const [one, two] = [all.get(input("order").value), all.get(input("other").value) ?? null];
            const made = [one, two].filter(order => order && !order.refusal);
            const view = {
              end: Math.max(0, ...made.map(order => order.result.makespan)), handoff: costs.handoff,
              most: Math.max(1e-9, ...made.map(order => order.peak)), chain: input("chain").checked,
              width: Math.min(6000, Math.max(0, ...made.map(order => widthFor(order)))),
            };
            drawFigure("one", one, view);
            drawFigure("two", two, view);
            document.getElementById("verdict").textContent = verdict(one, two);
            fillTable(all, one, two);
            describe(one);
          };

          // Wide enough for the numbers in the shortest actions, within reason: where those are very short, in most actions.
          const widthFor = ({ lists, result }) => {
            const lengths = [...result.times.values()].map(({ start, end }) => end - start).filter(length => length > 0);
            // Not with as many arguments as there are actions, which no browser takes.
            const digits = String(lists.sequence.reduce((most, action) => Math.max(most, action.microbatch), 0)).length;
            const shortest = lengths.reduce((least, length) => Math.min(least, length), Infinity);
            const stage = lists.stages > lists.ranks ? 6 * `s${lists.stages - 1}`.length + 3 : 0;
            const wish = result.makespan / shortest * Math.max(7 * digits + 4, stage) || 0;
            const usual = Math.max(...lists.lists.map(list => list.length)) * 17;
            return Math.min(Math.max(wish, usual), 2.5 * usual);
          };

          const drawFigure = (id, order, view) => {
            const figure = document.getElementById(id);
            figure.hidden = !order;
            if (!order) return;
            figure.querySelector(".rows").hidden = Boolean(order.refusal);
            figure.querySelector("figcaption").replaceChildren(written("strong", order.title), ...figures(order));
            if (order.refusal) figure.querySelector(".chart").replaceChildren();
            else drawChart(figure, order.lists, order.result, { ...view, title: order.title, share: order.share });
          };

          const chunks = ({ lists, result, share }) =>
            share === 1 ? "" : ` (${Math.max(...result.peaks)} chunks)`;
          const figures = order => {
            if (order.refusal) return [written("span", order.refusal, "refusal")];
            const { result, peak } = order;
            return [
              written("span", `makespan ${counted(result.makespan, "unit")}`),
              written("span", `bubble ${(result.bubble * 100).toFixed(1)}\u{A0}%`),
              written("span", `in flight at most ${counted(peak, "microbatch", "microbatches")}${chunks(order)}`),
            ];
          };

          const verdict = (one, two) => {
            if (one.refusal) return `There is no such order: ${one.refusal}.`;
            const time = counted(one.result.makespan, "unit");
            const peak = counted(one.peak, "microbatch", "microbatches");
            if (!two || two.refusal) {
              const why = two ? ` ${two.title} cannot be compared: ${two.refusal}.` : "";
              return `${one.title} takes ${time}, of which ranks idle ${(one.result.bubble * 100).toFixed(1)}\u{A0}%, `
                + `and holds ${peak} at most.${why}`;
            }
            return `${one.title} takes ${time}, ${compared(one.result.makespan, two.result.makespan, "as long as", "less than",
              "more than")} ${two.title}, and holds ${peak} at most, ${compared(one.peak, two.peak, "as many as", "less than",
              "more than")} ${two.title}.`;
          };
          const compared = (a, b, same, less, more) => {
            if (Math.abs(a - b) <= 1e-9 * Math.max(a, b)) return same;
            return b > 0 ? `${(Math.abs(a / b - 1) * 100).toFixed(1)}\u{A0}% ${a < b ? less : more}` : more;
          };

          // MARK: Table and text

          const table = document.querySelector("#all ~ .scroll table");
          const setCell = (cell, value, text) => { cell.dataset.value = value; cell.textContent = text; };
          const fillTable = (all, one, two) => {
            for (const row of table.tBodies[0].rows) {
              const order = all.get(row.dataset.key);
              const [, makespan, bubble, idle, peak, results, needs] = row.cells;
              const values = order.refusal ? [] : [order.result.makespan, order.result.bubble * 100,
                Math.max(...order.result.idle), order.peak];
              [makespan, bubble, idle, peak].forEach((cell, index) =>
                setCell(cell, values[index] ?? "", index in values ? plain(index === 1 ? +values[1].toFixed(1) : values[index]) : "-"));
              const reason = order.size.rounding;
              setCell(results, order.refusal ? "" : reason ? "to rounding" : "to the bit",
                order.refusal ? "-" : reason ? "to rounding" : "to the bit");
              results.title = reason ?? "";
              needs.querySelector(".refusal").textContent = order.refusal ? `not at these sizes: ${order.refusal}` : "";
              row.classList.toggle("chosen", order === one);
              row.classList.toggle("compared", order === two);
              row.querySelector("button").setAttribute("aria-pressed", order === one);
            }
            table.dispatchEvent(new Event("sort"));
          };

          const describe = ({ order, size, title }) => {
            document.getElementById("order-title").textContent = title;
            const about = order.about ? [
              written("p", order.about.summary),
              facts([
                ["idle of each rank", order.about.idle], ["in flight on rank r", order.about.peak],
                ["needs", order.about.constraints], ["from", `${order.about.authors}, arXiv ${order.about.paper}`],
              ]),
            ] : [written("p", "An order from a file.")];
            const notes = order.notes.map(note => written("p", `Note: ${note}.`, "note"));
            if (size.rounding) notes.push(written("p", `Results are equal to rounding: ${size.rounding}.`, "note"));
            document.getElementById("about").replaceChildren(...about, ...notes);
          };
          const facts = entries => {
            const list = written("dl", "", "facts");
            list.append(...entries.map(([name, value]) => {
              const entry = document.createElement("div");
              entry.append(written("dt", name), written("dd", value));
              return entry;
            }));
            return list;
          };

          // MARK: Inputs

          const sliders = [...form.querySelectorAll("[data-of]")];
          const settle = () => {
            for (const slider of sliders) slider.value = number(slider.dataset.of);
            const slow = input("slow");
            for (const option of slow.options) option.hidden = option.disabled = +option.value >= +input("ranks").value;
            if (slow.selectedOptions[0]?.disabled) slow.value = "";
            input("slowness").disabled = slow.value === "";
            for (const slider of sliders) if (slider.dataset.of === "slowness") slider.disabled = slow.value === "";
          };
          const set = (name, value) => {
            const found = input(name);
            if (!(found instanceof HTMLElement)) return;
            if (found.type === "checkbox") found.checked = value === "on";
            else if (found.tagName !== "SELECT" || [...found.options].some(option => option.value === value)) found.value = value;
          };
          const setAll = text => { for (const [name, value] of new URLSearchParams(text)) set(name, value); };

          // At once; drawings that take long, of thousands of actions, when nothing has changed for a moment.
          let waiting = 0, milliseconds = 0;
          const changed = () => {
            settle();
            form.setAttribute("aria-busy", "true");
            clearTimeout(waiting);
            waiting = setTimeout(() => requestAnimationFrame(() => {
              const begin = performance.now();
              draw();
              milliseconds = performance.now() - begin;
              form.removeAttribute("aria-busy");
            }), milliseconds > 100 ? 300 : 0);
          };
          // A page within another one may have no address of its own.
          const remember = () => {
            try { history.replaceState(null, "", "#" + new URLSearchParams(new FormData(form))); } catch { return; }
          };

          form.addEventListener("input", event => {
            const { of } = event.target.dataset;
            if (of) input(of).value = event.target.value;
            changed();
          });
          form.addEventListener("change", remember);
          form.addEventListener("submit", event => event.preventDefault());
          form.addEventListener("reset", () => setTimeout(() => { changed(); remember(); }));
          document.addEventListener("click", event => {
            const button = event.target.closest?.("[data-set], .choose");
            if (!button) return;
            if (button.dataset.set) for (const name of ["slow", "stage", "chain"]) set(name, "");
            setAll(button.dataset.set ?? new URLSearchParams({ order: button.closest("tr").dataset.key }));
            changed();
            remember();
          });
          addEventListener("hashchange", () => { setAll(location.hash.slice(1)); changed(); });
          addEventListener("resize", changed);
          const boxes = [...document.querySelectorAll(".order .scroll")];
          for (const box of boxes) box.addEventListener("scroll", () => {
            for (const other of boxes) if (other !== box) other.scrollLeft = box.scrollLeft;
          });

          // Beside a narrow page's inputs there is no room for them.
          if (innerWidth < 640) document.querySelector(".lessons")?.removeAttribute("open");
          setAll(location.hash.slice(1));
          settle();
          table.tHead.rows[0].cells[1].setAttribute("aria-sort", "ascending");
          draw();
        })();
        """)
}
