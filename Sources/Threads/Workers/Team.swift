// SPDX-License-Identifier: Apache-2.0

/// Work that the members of a team do together, each a part of it, at the same time.
///
/// A value of this kind is shown to the members where it lies: nothing is copied, counted or allocated for them.
public protocol TeamWork {
    /// Does the part of one member, of `members` in all. What a part writes, no other part reads or writes.
    func run(member: Int, of members: Int)
}

/// The threads that share a rank's work: the rank's own, which is member 0, and helpers, each pinned and waiting for the
/// next piece of work.
///
///     byte 0            4            8                          64 h                              64 (helpers + 1)
///     +-----------------+------------+--------------------------+-- ... --+-----------------------+----------------+
///     | generation,     | (padding)  | assignment: the work's   |         | generation that       | a flag that    |
///     | helpers sleep   |            | kind, and where it is    |         | helper h has done     | nobody raises  |
///     +-----------------+------------+--------------------------+-- ... --+-----------------------+----------------+
///
/// The work stands in the line of its generation, so that a helper that sees the one has fetched the other with it.
public final class Team {
    private let memory: TeamMemory
    private let helpers: [PinnedThread<HelperReport, Never>]
    private var hasEnded = false

    /// What a helper tells when the team ends.
    public struct HelperReport: Sendable {
        /// What became of the wish to keep it on a CPU.
        public let pinning: Pinning
        /// Heap allocations it made for the team's work; nil in a program that does not count them.
        public let allocations: Int?
    }

    /// Starts the helpers.
    /// - Parameters:
    ///   - name: the rank's; helper h is called `name.h`, from 1 on.
    ///   - cpus: one for each helper; nil lets the system choose.
    ///   - patience: how long members spin for each other before they sleep.
    /// - Throws: `SystemError` when the system has no thread left to give.
    public init(name: String, helperCPUs cpus: [Int?], patience: Patience) throws(SystemError) {
        let memory = TeamMemory(helpers: cpus.count, patience)
        var helpers: [PinnedThread<HelperReport, Never>] = []
        do throws(SystemError) {
            for (index, cpu) in cpus.enumerated() {
                helpers.append(
                    try PinnedThread(name: "\(name).\(index + 1)", cpu: cpu) { pinning in
                        HelperReport(pinning: pinning, allocations: memory.help(as: index + 1))
                    })
            }
        } catch {
            Self.end(memory, helpers)
            throw error
        }
        self.memory = memory
        self.helpers = helpers
    }

    deinit { require(hasEnded || helpers.isEmpty, "a team was never ended") }

    /// By which the rank's thread, and it alone, gives the team work.
    public var dispatcher: Dispatcher { helpers.isEmpty ? .alone : Dispatcher(memory: memory.view) }

    /// Sends the helpers home and collects what they report. To be called once.
    @discardableResult
    public func end() -> [HelperReport] {
        require(!hasEnded, "a team was ended before")
        hasEnded = true
        return Self.end(memory, helpers)
    }

    @discardableResult
    private static func end(_ memory: TeamMemory, _ helpers: [PinnedThread<HelperReport, Never>]) -> [HelperReport] {
        memory.view.publish(nil)
        return helpers.map { helper in
            do { return try helper.join() } catch { trap("a helper ended without a report") }
        }
    }
}

/// Gives a team work, without allocation, locks or reference counts.
@safe
public struct Dispatcher {
    /// Nil for a team of one.
    private let memory: TeamView?

    /// For a team that is only the calling thread.
    public static var alone: Dispatcher { Dispatcher(memory: nil) }

    fileprivate init(memory: TeamView?) { self.memory = memory }

    /// How many share the work, the calling thread among them.
    public var members: Int { 1 + (memory?.helpers ?? 0) }

    /// Has every member do its part of the work, the caller being member 0, and returns when all have. What a member
    /// wrote is visible to the caller then, and what the caller wrote before is to the members.
    @inline(__always)
    public func run<Work: TeamWork>(_ work: Work) {
        guard let memory else { return work.run(member: 0, of: 1) }
        // Sound: the work stays where it is until all members are done with it.
        unsafe withUnsafePointer(to: work) { pointer in
            let generation = unsafe memory.publish(Assignment(kind: Work.self, work: UnsafeRawPointer(pointer)))
            work.run(member: 0, of: memory.helpers + 1)
            memory.waitForHelpers(generation)
        }
    }
}

/// A piece of work as helpers find it: what kind it is, and where.
@safe
private struct Assignment {
    // Sound: the dispatcher writes it while the work lives, and writes the next only when all are done with it.
    let kind: any TeamWork.Type
    let work: UnsafeRawPointer
}

extension TeamWork {
    fileprivate static func run(at work: UnsafeRawPointer, member: Int, of members: Int) {
        // Sound: an assignment holds the work's own type beside its address.
        unsafe work.assumingMemoryBound(to: Self.self).pointee.run(member: member, of: members)
    }
}

/// The lines that a team shares, as one member sees them.
// Sound: the lines are allocated by the team's memory, which outlives all views. The assignment is written before its
// generation is published, and again only after all helpers have published that they are done with it.
@safe
private struct TeamView: @unchecked Sendable {
    let lines: UnsafeMutableRawPointer
    let helpers: Int
    let patience: Patience

    /// From the start of the first line.
    static let assignmentOffset = 8

    static func bytes(helpers: Int) -> Int { (helpers + 2) * SharedWord.lineBytes }

    /// Traps unless the first line of the drawing has room for what it holds.
    static func checkLayout() {
        require(SharedWord.bytes <= assignmentOffset, "a generation would overlap its assignment")
        require(
            assignmentOffset % MemoryLayout<Assignment?>.alignment == 0
                && assignmentOffset + MemoryLayout<Assignment?>.size <= SharedWord.lineBytes,
            "an assignment does not fit the line of its generation")
    }

    private var generation: SharedWord { unsafe SharedWord(at: lines) }
    private var assignment: UnsafeMutablePointer<Assignment?> {
        unsafe (lines + Self.assignmentOffset).assumingMemoryBound(to: Assignment?.self)
    }
    private func done(_ helper: Int) -> SharedWord { unsafe SharedWord(at: lines + helper * SharedWord.lineBytes) }
    /// Waits that end with the work alone: a member that left before would leave others to wait for it.
    private var context: WaitContext {
        let never = unsafe AbortFlag(SharedCounter(at: lines + (helpers + 1) * SharedWord.lineBytes))
        return WaitContext(patience: patience, abort: never, timeoutNanoseconds: .max)
    }

    /// Shows the helpers their next work, nil to go home. Returns its generation.
    @discardableResult
    @inline(__always)
    func publish(_ work: Assignment?) -> UInt32 {
        unsafe assignment.pointee = work
        let next = (generation.value &+ 1) & SharedWord.valueMask
        generation.publish(next)
        return next
    }

    @inline(__always)
    func waitForHelpers(_ generation: UInt32) {
        for helper in 1...helpers { wait(done(helper), for: generation) }
    }

    /// A helper's life: works until it is sent home.
    func help(as member: Int) {
        require(member >= 1 && member <= helpers, "helper \(member) of \(helpers)")
        var next: UInt32 = 0
        while true {
            next = (next &+ 1) & SharedWord.valueMask
            wait(generation, for: next)
            guard let work = unsafe assignment.pointee else { return }
            unsafe work.kind.run(at: work.work, member: member, of: helpers + 1)
            done(member).publish(next)
        }
    }

    @inline(__always)
    private func wait(_ word: SharedWord, for value: UInt32) {
        do throws(WaitError) { try word.wait(for: value, context) } catch {
            trap("a wait without a deadline ended: \(error)")
        }
    }
}

/// Owns a team's lines.
// Sound: the lines are allocated in init and freed in deinit; views are used by the dispatcher and the helpers only,
// and helpers hold this object.
@safe
private final class TeamMemory: @unchecked Sendable {
    private let lines: UnsafeMutableRawPointer
    let view: TeamView

    init(helpers: Int, _ patience: Patience) {
        TeamView.checkLayout()
        let bytes = TeamView.bytes(helpers: helpers)
        unsafe lines = .allocate(byteCount: bytes, alignment: SharedWord.lineBytes)
        unsafe lines.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        view = unsafe TeamView(lines: lines, helpers: helpers, patience: patience)
    }

    deinit { unsafe lines.deallocate() }

    /// - Returns: heap allocations made meanwhile; nil in a program that does not count them.
    func help(as member: Int) -> Int? {
        let start = CurrentThread.allocations
        view.help(as: member)
        guard let start, let now = CurrentThread.allocations else { return nil }
        return now - start
    }
}
