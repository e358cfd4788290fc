// What the page's own replay makes of its orders, without the page.
//
// Usage: node replay.js PAGE COSTS
// COSTS is a file: a JSON list of costs, as `replay` takes them. Prints a list: for each order, size and costs the makespan, the
// bubble, and each rank's starts and peak.
"use strict";
const { readFileSync } = require("fs");
const { runInNewContext } = require("vm");

const page = readFileSync(process.argv[2], "utf8");
const costs = JSON.parse(readFileSync(process.argv[3], "utf8"));
const [, orders] = /<script type="application\/json" id="orders">(.*?)<\/script>/s.exec(page);
const script = [...page.matchAll(/<script>\n(.*?)<\/script>/gs)].map(match => match[1]).find(text => text.includes("const replay ="));
const { readOrder, replay } = runInNewContext(script + "({ readOrder, replay })", {});

const results = [];
for (const { key, sizes } of JSON.parse(orders).orders) {
  for (const size of sizes.filter(size => !size.refusal)) {
    const order = readOrder(size);
    for (const [index, cost] of costs.entries()) {
      const { times, makespan, bubble, peaks } = replay(order, cost);
      const starts = order.lists.map(list => list.map(action => times.get(action).start));
      results.push({ key, ranks: size.ranks, microbatches: size.microbatches, costs: index, makespan, bubble, starts, peaks });
    }
  }
}
console.log(JSON.stringify(results));
