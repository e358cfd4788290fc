// SPDX-License-Identifier: Apache-2.0

import Threads

/// Processes that a launcher such as mpirun has started for one program, on one host or several, with no memory that all see.
///
/// All of them run the same command. Each is a rank of each run (those behind a run's last rank look on), so that whatever is
/// known of a run at its end has to be told to all: then all go on in the same way. The first process writes what there is to
/// write.
public protocol Job: Sendable {
    /// How many there are.
    var size: Int { get }
    /// Which this one is; counts from 0.
    var rank: Int { get }
    /// For each process, where it is.
    var hosts: [JobHost] { get }
    /// What carries messages, such as `Open MPI v4.1.4`.
    var library: String { get }

    /// Tells all processes something, and is told what they have to tell. All take part, in the same order.
    ///
    /// - Parameters:
    ///   - bytes: what this one has to tell.
    ///   - seconds: how long the first process waits for the others, which wait for it a little longer.
    ///   - needed: how many of the first processes are waited for so long: of those behind them, who look on, nothing depends on
    ///     what they tell, and they have less time once the needed ones have answered. One that has not answered in an exchange
    ///     is waited for in none that follows.
    /// - Returns: what each had to tell; nil of one that did not answer in time, and of all where the first process did not.
    /// - Throws: `JobError.failed`.
    func exchange(_ bytes: [UInt8], within seconds: Double, needing needed: Int) throws(JobError) -> [[UInt8]?]

    /// Makes ready for a run of so many ranks: whatever was left of the one before does not reach it. All take part, and not
    /// one of them may be missing: to be asked for right after an exchange.
    func beginRun(ranks: Int) throws(JobError)

    /// Tells another process something about the run; it need not listen.
    func send(_ notice: JobNotice, to rank: Int)
    /// What others have told since this was asked last in the run, and who. Never waits.
    func notices() -> [(notice: JobNotice, from: Int)]

    /// For each process, how much its clock is ahead of the first one's now. All take part.
    func readClocks() throws(JobError) -> [ClockReading]
    /// Nanoseconds by which this process's clock was ahead when clocks were read last; 0 before that.
    var clockAhead: Int64 { get }

    /// Whether nothing went wrong so far.
    var isSound: Bool { get }
    /// Something went wrong: the program is not to wait for the others when it ends.
    func giveUp()

    /// Where the run's ranks wait for each other; to be asked for by a rank's own thread.
    func meeting() -> any Meeting
}

extension Job {
    /// Tells all processes something, and is told what they have to tell; every one of them is needed.
    /// - Parameters:
    ///   - bytes: what this one has to tell.
    ///   - seconds: how long the first process waits for the others.
    /// - Returns: as `exchange(_:within:needing:)`.
    public func exchange(_ bytes: [UInt8], within seconds: Double) throws(JobError) -> [[UInt8]?] {
        try exchange(bytes, within: seconds, needing: size)
    }

    /// Whether what one process hands on to another goes over the network, as far as somebody reckons with one: between hosts, or, where
    /// all are on one, always.
    func isOverNetwork(from sender: Int, to receiver: Int) -> Bool {
        let first = hosts.map(\.first)
        return first[sender] != first[receiver] || first.allSatisfy { $0 == first[0] }
    }
}

/// What processes tell each other while a run goes on.
public enum JobNotice: UInt8, Sendable {
    /// The run is being given up.
    case abort = 1
    /// Are you there?
    case question
    /// I am.
    case answer
    /// A signal has come to a process that looks on: the step at hand is to be the last.
    case stop
    /// The run's ranks have ended: who looks on goes on too.
    case ended
}

/// Where a process of a job is.
public struct JobHost: Codable, Equatable, Sendable {
    /// The host's name.
    public let name: String
    /// The first process of the job that is there: the same for all that are.
    public let first: Int
    /// Processes with the same one read the same clock.
    public let clock: String
    /// The CPUs that the process may run on, in ascending order.
    public let cpus: [Int]

    /// With these values.
    public init(name: String, first: Int, clock: String, cpus: [Int]) {
        (self.name, self.first, self.clock, self.cpus) = (name, first, clock, cpus)
    }
}

/// Where the ranks of a run wait for each other without memory that all see.
public protocol Meeting: AnyObject {
    /// Waits until every rank has come as often as this one.
    ///
    /// - Parameters:
    ///   - words: two numbers that it brings.
    ///   - context: what ends the wait besides.
    /// - Returns: the largest of each that anybody has brought, and how the wait went.
    func meet(bringing words: (UInt64, UInt64), _ context: WaitContext) throws(WaitError) -> (
        largest: (UInt64, UInt64), waited: Waited
    )
}

/// A job that cannot go on.
public enum JobError: Error, Equatable, CustomStringConvertible {
    /// This program has no such means: how to get it.
    case absent(String)
    /// What carries messages refused something.
    case failed(String)
    /// Processes that did not answer in time.
    case silent(ranks: [Int])

    public var description: String {
        switch self {
        case .absent(let sentence), .failed(let sentence): sentence
        case .silent(let ranks):
            "rank \(ranks.map(String.init).joined(separator: ", ")) did not answer: stopped, ended or cut off"
        }
    }
}
