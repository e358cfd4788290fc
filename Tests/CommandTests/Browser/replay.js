// SPDX-License-Identifier: Apache-2.0

// What the page's own replay makes of its orders, without the page.
//
// Usage: node replay.js PAGE COSTS
// COSTS is a file: a JSON list of costs, as `replay` takes them. Prints a list: for each order, size and costs the makespan, the
// bubble, each rank's starts, peak and what it holds over time, and whether the longest chain has no gap.
"use strict";
const { readFileSync } = require("fs");
const { runInNewContext } = require("vm");

const page = readFileSync(process.argv[2], "utf8");
const costs = JSON.parse(readFileSync(process.argv[3], "utf8"));
const [, orders] = /<script type="application\/json" id="orders">(.*?)<\/script>/s.exec(page);
const script = [...page.matchAll(/<script>\n(.*?)<\/script>/gs)].map(match => match[1]).find(text => text.includes("const replay ="));
const { readOrder, replay, longestChain } = runInNewContext(script + "({ readOrder, replay, longestChain })", {});

// What is in flight, added up over time.
const area = curve => curve.reduce((sum, { time, count }, index) =>
  index + 1 < curve.length ? sum + (curve[index + 1].time - time) * count : sum, 0);

// Whether each begins when the one before it has ended, and what it hands on has arrived, from 0 to the makespan.
const isChain = (chain, { times, makespan }, cost) => times.get(chain.at(-1)).end === makespan
  && chain.every((action, index) => {
    const before = chain[index - 1];
    const handoff = before && before.rank !== action.rank ? cost.handoff : 0;
    return times.get(action).start === (before ? times.get(before).end + handoff : 0);
  });

const results = [];
for (const { key, sizes } of JSON.parse(orders).orders) {
  for (const size of sizes.filter(size => !size.refusal)) {
    const order = readOrder(size);
    for (const [index, cost] of costs.entries()) {
      const result = replay(order, cost);
      const { times, makespan, bubble, peaks } = result;
      const starts = order.lists.map(list => list.map(action => times.get(action).start));
      results.push({
        key, ranks: size.ranks, microbatches: size.microbatches, costs: index, makespan, bubble, starts, peaks,
        held: result.curves.map(area), isChain: isChain([...longestChain(order, result)].reverse(), result, cost) });
    }
  }
}
console.log(JSON.stringify(results));
