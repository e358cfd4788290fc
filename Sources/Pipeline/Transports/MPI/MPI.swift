// SPDX-License-Identifier: Apache-2.0

import CMPI
import SharedTensor
import Synchronization

/// What MPI refused: which call, and its words for why.
struct MPIError: Error, Equatable, CustomStringConvertible {
    let call: String
    let sentence: String

    var description: String { "\(call): \(sentence)" }
}

/// MPI's calls, which throw what it refuses.
enum MPI {
    /// Runs a call that returns MPI's code.
    static func check(_ call: StaticString, _ body: () -> Int32) throws(MPIError) {
        let code = body()
        if code != 0 {
            throw MPIError(call: "\(call)", sentence: unsafe text { unsafe ppt_mpi_error_text(code, $0, $1) })
        }
    }

    /// The line that a function writes into a buffer.
    static func text(_ write: (UnsafeMutablePointer<CChar>, Int32) -> Void) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            unsafe buffer.initialize(repeating: 0)
            unsafe write(buffer.baseAddress!, 512)
            return unsafe String(cString: buffer.baseAddress!)
        }
    }
}

/// Calls of MPI that were begun together, such as the pieces of an item, until the last of them is over.
// Sound: it belongs to one thread, as its maker promises; MPI looks at the requests within a call only.
@safe
final class MPIRequests {
    private let requests: UnsafeMutablePointer<ppt_mpi_request>
    private let most: Int
    private var count = 0

    /// Room for so many at a time.
    init(most: Int) {
        self.most = most
        unsafe requests = .allocate(capacity: most)
        unsafe requests.initialize(repeating: ppt_mpi_request(), count: most)
    }

    deinit { unsafe requests.deallocate() }

    /// Begins one more; all that were begun before may be over or not.
    func begin(
        _ call: StaticString, _ body: (UnsafeMutablePointer<ppt_mpi_request>) -> Int32
    ) throws(MPIError) {
        require(count < most, "more requests than there is room for")
        try MPI.check(call) { unsafe body(requests + count) }
        count += 1
    }

    /// Takes back receives that nothing has come for: MPI is not to know of them when it ends.
    /// - Returns: whether all are over, so that MPI has no more to do with their memory.
    func cancel() -> Bool {
        unsafe ppt_mpi_cancel(requests, Int32(count))
        for index in 0..<count where unsafe requests[index].is_open { return false }
        count = 0
        return true
    }

    /// Looks a few times whether sends are over, which go on by themselves otherwise.
    func areOverSoon() -> Bool { (0..<100).contains { _ in (try? areOver()) ?? false } }

    /// Goes on with all that is under way, in whatever part of the process, and tells whether these are over.
    func areOver() throws(MPIError) -> Bool {
        if count == 0 { return true }
        var areOver = false
        try MPI.check("MPI_Test") { unsafe ppt_mpi_test(requests, Int32(count), &areOver) }
        if areOver { count = 0 }
        return areOver
    }
}

/// Memory that MPI may read or write when nobody else has to do with it any more, such as an item that is not all sent when the run
/// is over: it stays mapped until the program ends.
enum MPIKeptMemory {
    private static let all = Mutex<[Segment]>([])

    static func keep(_ memory: Segment) { all.withLock { $0.append(memory) } }
}
