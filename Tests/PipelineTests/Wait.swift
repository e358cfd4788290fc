// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// A context for waits, with an abort flag of its own.
struct Wait {
    let context: WaitContext
    private let memory: Segment

    init(seconds: Double = 20) {
        guard let memory = try? Segment(bytes: 8, backing: .privateMemory) else { preconditionFailure("no memory") }
        self.memory = memory
        context = WaitContext(
            patience: .sharedCPU,
            abort: unsafe AbortFlag(SharedCounter(at: memory.address(of: Region(offset: 0, bytes: 8)))),
            timeoutNanoseconds: UInt64(seconds * 1e9))
    }
}
