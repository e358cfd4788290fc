// SPDX-License-Identifier: Apache-2.0
// A forked process and a pinned thread run the same body, on the CPUs that two ranks would get.

import Threads

let machine = try Machine.current()
let placement = try Placement(ranks: 2, policy: .auto, topology: machine.topology, quota: machine.cpuQuota)
let cpus = placement.cpusOfRank.map { $0[0] }

@Sendable func body(_ pinning: Pinning) -> String { "\(pinning), on CPU \(CurrentThread.cpu)" }

// The process first: a program that has other threads cannot fork.
let process = try ForkedWorker(name: "process", cpu: cpus[0], body: body)
let thread = try PinnedThread(name: "thread", cpu: cpus[1], body: body)
let workers: [any Worker<String, Never>] = [process, thread]
for worker in workers { print("\(worker.name): \(try worker.join())") }
