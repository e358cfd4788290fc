// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads
import ppthreads

/// How long the rest of a sweep will take, of made-up loads.
struct SweepProgressTests {
    @Test("what is left takes as long as what is done did, by their loads, less what has passed since")
    func rest() {
        func text(_ load: Double, done: Double, _ seconds: Double, since: Double = 0) -> String {
            SweepProgress.rest(load: load, loadDone: done, seconds: seconds, since: since)
        }
        #expect(text(700, done: 0, 0) == "")
        // 500 more at 12 s for 200: 30 s.
        #expect(text(700, done: 200, 12) == ", about 30 s left")
        #expect(text(700, done: 200, 12, since: 3.4) == ", about 27 s left")
        #expect(text(700, done: 200, 12, since: 31) == ", about 0 s left")
        #expect(text(700, done: 700, 12) == ", about 0 s left")
        // 99.4 s, 100.1 s and 408 s.
        #expect(text(1697 + 300, done: 300, 17.57) == ", about 99 s left")
        #expect(text(1001, done: 1, 0.1001) == ", about 2 min left")
        #expect(text(7000, done: 200, 12) == ", about 7 min left")
    }

    @Test("a run's load is its arithmetic over the CPUs that it can use at once: those it takes, or fewer by a quota")
    func load() throws {
        let products = try #require(MadeUpRun.number(try MadeUpRun.expected("figures")["product_flops"]))
        func load(_ quota: String) throws -> Double {
            let machine = try MadeUpMachine(["sys/fs/cgroup/cpu.max": quota])
            // Four steps, on two ranks.
            return try MadeUpRun.plan(on: machine).load / (4 * products)
        }
        #expect(try abs(load("max 100000") - 1.0 / 2) < 1e-12)
        #expect(try abs(load("50000 100000") - 1 / 0.5) < 1e-12)
        #expect(try abs(load("130000 100000") - 1 / 1.3) < 1e-12)
        #expect(try abs(load("300000 100000") - 1.0 / 2) < 1e-12)
    }
}
