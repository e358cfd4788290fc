// SPDX-License-Identifier: Apache-2.0

extension OrderExplorer {
    /// When each action is done, as `OrderTimes` has it, to the last digit. Without a page: tests run it by itself.
    static let replayScript = Markup.code(
        "script",
        """
        "use strict";

        // Of the page's text, each rank's actions, with whom each receives from, and one after the other as they can be done.
        const readOrder = size => {
          const lists = size.actions.map((line, rank) => line.split(" ").map((name, index) => {
            const [, stage, kind, microbatch] = /^([0-9]+)([FBIW])([0-9]+)$/.exec(name);
            return { name, kind, stage: +stage, microbatch: +microbatch, rank, index };
          }));
          const makers = new Map();
          for (const action of lists.flat()) {
            const made = { F: "activation", B: "gradient", I: "gradient" }[action.kind];
            if (made) makers.set([made, action.stage, action.microbatch].join(), action);
          }
          for (const action of lists.flat()) {
            const [made, stage] = action.kind === "F" ? ["activation", action.stage - 1] : ["gradient", action.stage + 1];
            const maker = action.kind === "W" ? undefined : makers.get([made, stage, action.microbatch].join());
            action.sender = maker && maker.rank !== action.rank ? maker : null;
          }
          // A stage's part of a rank's whole share: of the model, each copy's stages are as many parts.
          const share = size.ranks / size.rank_of_stage.length * size.copies;
          return { lists, ranks: size.ranks, stages: size.rank_of_stage.length, share, sequence: sequenceOf(lists) };
        };

        // Senders before receivers, and each rank's in its order. Times do not change it.
        const sequenceOf = lists => {
          const done = lists.map(() => 0), sequence = [];
          let before = -1;
          while (before < sequence.length) {
            before = sequence.length;
            lists.forEach((list, rank) => {
              while (done[rank] < list.length) {
                const { sender } = list[done[rank]];
                if (sender && sender.index >= done[sender.rank]) break;
                sequence.push(list[done[rank]++]);
              }
            });
          }
          return sequence;
        };

        // Costs: forward, input, weights, handoff; isOfStage, or else of a rank's whole share; slow, a rank or null, and slowness.
        const replay = (order, costs) => {
          const share = costs.isOfStage ? 1 : order.share;
          const [forward, input, weights] = [costs.forward * share, costs.input * share, costs.weights * share];
          const length = { F: forward, B: input + weights, I: input, W: weights };
          const times = new Map(), free = order.lists.map(() => 0), work = order.lists.map(() => 0);
          for (const action of order.sequence) {
            const { rank, sender } = action;
            const there = sender ? times.get(sender).end + costs.handoff : 0;
            const start = Math.max(free[rank], there);
            const duration = length[action.kind] * (rank === costs.slow ? costs.slowness : 1);
            times.set(action, { start, end: start + duration, free: free[rank], there, waits: there > free[rank] });
            free[rank] = start + duration;
            work[rank] += duration;
          }
          const makespan = Math.max(...free);
          const idle = work.map(time => makespan - time);
          const all = makespan * order.ranks;
          const bubble = makespan > 0 ? idle.reduce((sum, time) => sum + time, 0) / all : 0;
          const curves = order.lists.map(list => inFlight(list, times));
          const peaks = curves.map(curve => curve.reduce((most, point) => Math.max(most, point.count), 0));
          return { times, makespan, idle, bubble, curves, peaks, work };
        };

        // From a forward's start to the end of its B or W: what a rank holds from each moment on. Where there are forwards alone,
        // nothing is kept beyond them.
        const inFlight = (list, times) => {
          let count = 0;
          const curve = [{ time: 0, count }];
          const ends = list.every(action => action.kind === "F") ? ["F"] : ["B", "W"];
          for (const action of list) {
            const { start, end } = times.get(action);
            if (action.kind === "F") curve.push({ time: start, count: ++count });
            if (ends.includes(action.kind)) curve.push({ time: end, count: --count });
          }
          return curve;
        };

        // What the makespan hangs on: back from the action that ends last, to what each began after.
        const longestChain = (order, result) => {
          const chain = new Set();
          let last = order.lists.flat().find(action => result.times.get(action).end === result.makespan);
          while (last) {
            chain.add(last);
            last = result.times.get(last).waits ? last.sender : order.lists[last.rank][last.index - 1];
          }
          return chain;
        };
        """)
}
