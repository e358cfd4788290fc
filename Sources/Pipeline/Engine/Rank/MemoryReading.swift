// SPDX-License-Identifier: Apache-2.0

import Glibc
import SharedTensor
import Threads

/// What the kernel says of a rank's memory after the last step, when all ranks are still there. Nil is what it does not say,
/// or what somebody else tells.
public struct MemoryReading: Codable, Equatable, Sendable {
    /// Of the rank's own mapping, the pages that are there.
    public private(set) var ownBytes: Int?
    /// Of its process: each rank that is one tells of it, otherwise rank 0 for all.
    public private(set) var process: ProcessMemory?
    /// Of the process that has forked the ranks: rank 0 tells.
    public private(set) var supervisor: ProcessMemory?

    /// Nothing was read.
    init() {}

    /// Reads it.
    /// - Parameter isProcess: whether the rank is a process of its own.
    init(own: Segment, rank: Int, isProcess: Bool) {
        ownBytes = own.residentBytes
        if isProcess || rank == 0 { process = ProcessMemory() }
        if isProcess && rank == 0 { supervisor = ProcessMemory(ofProcess: getppid()) }
    }
}
