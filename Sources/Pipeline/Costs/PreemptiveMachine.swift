// SPDX-License-Identifier: Apache-2.0

/// A machine that may put a job down and take it up again: what it needs for jobs with heads and tails is known exactly.
struct PreemptiveMachine {
    struct Job {
        /// It cannot begin before.
        let head: Double
        let length: Double
        /// It has to end so long before the end of all.
        let tail: Double
    }

    /// The least time in which all jobs and their tails are over (Jackson's preemptive schedule; Carlier, "The one-machine
    /// sequencing problem", 1982): of the jobs that can begin, always the one with the longest tail.
    static func makespan(_ jobs: [Job]) -> Double { last(of: jobs).makespan }

    /// Jobs that prove it: those from some head on with some tail at least, as many as do. The least head, their lengths and the least
    /// tail add up to the makespan (Carlier 1982), to within rounding.
    ///
    /// The job that is over last, with its tail, gives the tail: from some moment on until it ends the machine does only jobs with
    /// tails as long, which all could not begin before that moment.
    /// - Complexity: O(jobs x log jobs).
    static func busiest(_ jobs: [Job]) -> (before: Double, work: Double, after: Double) {
        let tail = last(of: jobs).tail
        var (best, work) = ((before: 0.0, work: 0.0, after: tail), 0.0)
        for job in jobs.sorted(by: { $0.head > $1.head }) where job.tail >= tail {
            work += job.length
            if job.head + work >= best.before + best.work { best = (job.head, work, tail) }
        }
        return best
    }

    /// The makespan, and the tail of a job that with it is over then: the shortest of these.
    private static func last(of jobs: [Job]) -> (makespan: Double, tail: Double) {
        let sorted = jobs.sorted { $0.head < $1.head }
        var ready = Ready()
        var (now, next, longest) = (0.0, 0, (makespan: 0.0, tail: 0.0))
        while next < sorted.count || !ready.isEmpty {
            if ready.isEmpty { now = max(now, sorted[next].head) }
            while next < sorted.count, sorted[next].head <= now {
                ready.add(tail: sorted[next].tail, length: sorted[next].length)
                next += 1
            }
            let untilNext = next < sorted.count ? sorted[next].head - now : .infinity
            let (worked, ended) = ready.work(atMost: untilNext)
            now = ended == nil && worked == untilNext ? sorted[next].head : now + worked
            if let tail = ended, (now + tail, -tail) > (longest.makespan, -longest.tail) {
                longest = (now + tail, tail)
            }
        }
        return longest
    }

    /// Jobs that can begin: a binary heap, the longest tail first.
    private struct Ready {
        private var heap: [(tail: Double, left: Double)] = []

        var isEmpty: Bool { heap.isEmpty }

        mutating func add(tail: Double, length: Double) {
            heap.append((tail, length))
            var child = heap.count - 1
            while child > 0, heap[(child - 1) / 2].tail < heap[child].tail {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        }

        /// Works on the first for so long at most; tells for how long, and its tail if that ended it.
        mutating func work(atMost time: Double) -> (worked: Double, ended: Double?) {
            if heap[0].left > time {
                heap[0].left -= time
                return (time, nil)
            }
            let (tail, left) = heap[0]
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
            sink()
            return (left, tail)
        }

        private mutating func sink() {
            var parent = 0
            while 2 * parent + 1 < heap.count {
                var child = 2 * parent + 1
                if child + 1 < heap.count, heap[child + 1].tail > heap[child].tail { child += 1 }
                if heap[parent].tail >= heap[child].tail { return }
                heap.swapAt(parent, child)
                parent = child
            }
        }
    }
}
