// SPDX-License-Identifier: Apache-2.0

extension Page {
    /// Headers that sort.
    static let sortScript = Markup.code(
        "script",
        """
        (() => {
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
              button.className = "sort";
              button.setAttribute("aria-label", `sort by ${header.textContent}`);
              header.append(button);
              // Anywhere in a header, but on a term that tells what it means.
              header.addEventListener("click", event => {
                if (event.target.closest(".term")) return;
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
