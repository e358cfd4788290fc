// SPDX-License-Identifier: Apache-2.0

import CMPI
import Glibc
import Threads

/// The processes that mpirun or srun has started, which tell each other things through MPI.
///
/// Words go by the first process: it alone has to hear from all, and so it alone knows who is silent. What ranks hand on goes
/// straight from one to the other (`MPILinks`).
// Sound: what changes is the main thread's; ranks' threads only ask for their meeting, once a run.
final class MPIJob: Job, @unchecked Sendable {
    /// The program's one, started when it is asked for first.
    static let started: Result<MPIJob, JobError> = Result { () throws(JobError) in try MPIJob() }

    static var isPossible: Bool { ppt_mpi_is_built() }

    let size: Int
    let rank: Int
    let library: String
    private(set) var hosts: [JobHost] = []

    /// Processes that have not answered in an exchange: in those that follow nobody waits for them.
    private var lost: Set<Int> = []
    private var exchanges = 0
    private var runs = 0
    /// Words that nobody may ever listen to.
    private var outgoing: [MPIMessage] = []

    private enum Tag {
        static let notice = 1
        static let clock = 1001
        static let exchange = 2000
        /// So many of a kind tell one run, or exchange, from the next.
        static let cycle = 1000
    }

    private init() throws(JobError) {
        if !ppt_mpi_is_built() {
            throw .absent(
                "this ppthreads was built without MPI; with the packages libopenmpi-dev or libmpich-dev, "
                    + "swift build -c release --traits MPI builds one with it")
        }
        do throws(MPIError) {
            try MPI.check("MPI_Init_thread") { ppt_mpi_start() }
            // MPICH's has a tab in it.
            library = unsafe MPI.text { unsafe ppt_mpi_library($0, $1) }.split(whereSeparator: \.isWhitespace)
                .joined(separator: " ")
            if !ppt_mpi_allows_threads() {
                throw MPIError(call: "MPI_Init_thread", sentence: "this MPI gives no MPI_THREAD_MULTIPLE")
            }
            (size, rank) = (Int(ppt_mpi_size()), Int(ppt_mpi_rank()))
            var first = [Int32](repeating: 0, count: size)
            try MPI.check("MPI_Comm_split_type") { unsafe ppt_mpi_hosts(&first) }
            try meetHosts(first.map { Int($0) })
        } catch {
            throw .failed(error.description)
        }
        if size > 1 { unsafe JobOfProgram.current = self }
        unsafe on_exit({ status, _ in MPIJob.endWithProgram(status) }, nil)
    }

    private func meetHosts(_ first: [Int]) throws(MPIError) {
        let own = JobHost(
            name: TextFile.line("/proc/sys/kernel/hostname") ?? "?", first: first[rank], clock: Clock.identity,
            cpus: (try? CPUSet.allowed().cpus) ?? [])
        do throws(JobError) {
            hosts = try tell(own, within: 60).map { host throws(JobError) in
                guard let host else { throw .failed("no host") }
                return host
            }
        } catch {
            throw MPIError(call: "the first exchange", sentence: "\(error)")
        }
    }

    // MARK: Ending

    /// Whether all went well so far: then the processes wait for each other before they end. Otherwise some may never come, and what is
    /// under way may never be over.
    nonisolated(unsafe) private static var isSound = true

    func giveUp() { unsafe Self.isSound = false }
    var isSound: Bool { unsafe Self.isSound }

    /// Not all launchers end a job because one of its processes has ended, or because it was to be ended and was not: MPI_Abort makes
    /// them.
    private static func endWithProgram(_ own: Int32) {
        guard case .success(let job) = started else { return }
        ppt_mpi_leave()
        var status = own
        // The others wait for the first one, which may have large files to write.
        let seconds = job.rank == 0 ? 10.0 : 3600
        if unsafe isSound, let others = try? job.exchange([UInt8(truncatingIfNeeded: own)], within: seconds),
            unsafe isSound
        {
            status = commonStatus(others.compactMap { $0?.count == 1 ? $0?.first.map(Int32.init) : nil })
            fflush(nil)
            if job.lost.isEmpty {
                // MPICH 4.0's MPI_Finalize hangs where three or more processes are on several hosts. Its launcher does not mind.
                if !(job.library.contains("MPICH") && Set(job.hosts.map(\.first)).count > 1) { ppt_mpi_end() }
                if status == own & 0xff { return }
                _exit(status)
            }
        }
        // The one that speaks for all is to have said why by then, and the launcher, which ends with the job, to have read it.
        let speaks = unsafe job.rank == 0 || JobOfProgram.firstIsSilent
        Clock.sleep(nanoseconds: speaks ? 100_000_000 : 500_000_000)
        ppt_mpi_abort(status)
        _exit(status)
    }

    /// What all end with, since a launcher passes on whichever it sees first: the status of the process that knew best why. Others end with
    /// a failed run's, because they were told.
    private static func commonStatus(_ all: [Int32]) -> Int32 {
        let (told, others) = (Int32(EX_SOFTWARE), all.filter { $0 != 0 })
        return others.first { $0 != told } ?? others.first ?? 0
    }

    // MARK: Exchanges

    func exchange(_ bytes: [UInt8], within seconds: Double, needing needed: Int) throws(JobError) -> [[UInt8]?] {
        exchanges += 1
        let tag = Tag.exchange + exchanges % Tag.cycle
        do throws(MPIError) {
            let answers =
                rank == 0
                ? try collect(own: bytes, tag, within: seconds, needing: needed)
                : try tell(bytes, tag, within: 1.5 * seconds + 0.5)
            let missing = answers.indices.filter { answers[$0] == nil && !lost.contains($0) }
            lost.formUnion(missing)
            if missing.contains(where: { $0 < needed }) { giveUp() }
            return answers
        } catch {
            throw .failed("\(error)")
        }
    }

    /// The first process's part: hears all, and tells all who have answered.
    private func collect(
        own: [UInt8], _ tag: Int, within seconds: Double, needing needed: Int
    ) throws(MPIError) -> [[UInt8]?] {
        var answers: [[UInt8]?] = [own] + Array(repeating: nil, count: size - 1)
        var incoming: [Int: MPIMessage] = [:]
        for peer in 1..<max(1, size) where !lost.contains(peer) {
            incoming[peer] = try .receiving(from: peer, tag: tag)
        }
        var pause = Pause(seconds: seconds)
        var isNeeded = true
        while !incoming.isEmpty && !pause.isOver {
            if isNeeded, incoming.keys.allSatisfy({ $0 >= needed }) {
                isNeeded = false
                pause.end(within: Self.lookerSeconds)
            }
            for (peer, message) in incoming where try message.isOver() {
                answers[peer] = message.bytes
                incoming[peer] = nil
                pause.restart()
            }
            if !incoming.isEmpty { pause.take() }
        }
        let all = JobWords.joined(answers)
        var outgoing: [MPIMessage] = []
        for peer in answers.indices.dropFirst() where answers[peer] != nil {
            outgoing.append(try .sending(all, to: peer, tag: tag))
        }
        pause = Pause(seconds: seconds)
        while !outgoing.isEmpty && !pause.isOver {
            let waiting = outgoing
            outgoing = []
            for message in waiting where !(try message.isOver()) { outgoing.append(message) }
            if !outgoing.isEmpty { pause.take() }
        }
        return answers
    }

    /// How long the first process waits for those that look on, once the others have answered. A launcher that ends the job leaves a
    /// second for all of the report.
    private static var lookerSeconds: Double { Signals.noted == .terminate ? 0.3 : 10 }

    /// The part of any other process.
    private func tell(_ bytes: [UInt8], _ tag: Int, within seconds: Double) throws(MPIError) -> [[UInt8]?] {
        let outgoing = try MPIMessage.sending(bytes, to: 0, tag: tag)
        let incoming = try MPIMessage.receiving(from: 0, tag: tag)
        var pause = Pause(seconds: seconds)
        while true {
            let isSent = try outgoing.isOver()
            if isSent, try incoming.isOver() { return JobWords.parted(incoming.bytes, size) }
            if pause.isOver { return Array(repeating: nil, count: size) }
            pause.take()
        }
    }

    // MARK: Runs

    func beginRun(ranks: Int) throws(JobError) {
        if !lost.isEmpty { throw .silent(ranks: lost.sorted()) }
        runs += 1
        do throws(MPIError) {
            try MPI.check("MPI_Comm_split") { ppt_mpi_make_group(Int32(ranks)) }
        } catch {
            throw .failed("\(error)")
        }
    }

    func meeting() -> any Meeting { MPIMeeting() }

    func send(_ notice: JobNotice, to rank: Int) {
        // Who cannot be told finds out by its own deadline.
        guard let message = try? MPIMessage.sending([notice.rawValue], to: rank, tag: noticeTag) else { return }
        outgoing.append(message)
        outgoing.removeAll { (try? $0.isOver()) ?? false }
    }

    func notices() -> [(notice: JobNotice, from: Int)] {
        var all: [(JobNotice, Int)] = []
        while true {
            var (isThere, from) = (false, Int32(-1))
            // An MPI that fails here fails the rank too, which tells why.
            _ = unsafe ppt_mpi_look(ppt_mpi_words, Int32(noticeTag), &isThere, &from)
            guard isThere, let message = try? MPIMessage.receiving(from: Int(from), tag: noticeTag) else { return all }
            guard (try? finish(message)) != nil, let notice = message.bytes.first.flatMap(JobNotice.init(rawValue:))
            else { return all }
            all.append((notice, Int(from)))
        }
    }

    private var noticeTag: Int { Tag.notice + runs % Tag.cycle }

    // MARK: Clocks

    func readClocks() throws(JobError) -> [ClockReading] {
        let others = hosts.indices.filter { hosts[$0].clock != hosts[0].clock }
        var readings = hosts.map { _ in ClockReading(moment: Clock.now(), ahead: 0, error: 0) }
        do throws(MPIError) {
            for peer in others where (rank == 0 || rank == peer) && !lost.contains(peer) {
                if rank == 0 { readings[peer] = try read(peer) } else { try answer() }
            }
        } catch {
            throw .failed("\(error)")
        }
        guard let all = try tell(readings, within: 60)[0] else { throw .silent(ranks: [0]) }
        clockAhead = all[rank].ahead
        return all
    }

    private(set) var clockAhead: Int64 = 0

    private static let questions = 40

    /// The reading with the shortest way of many.
    private func read(_ peer: Int) throws(MPIError) -> ClockReading {
        var best: ClockReading?
        for _ in 0..<Self.questions {
            let asked = Clock.now()
            try finish(.sending([], to: peer, tag: Tag.clock))
            let answer = try finish(.receiving(from: peer, tag: Tag.clock))
            let answered = Clock.now()
            let reading = ClockReading(asked: asked, read: JobWords.number(answer.bytes), answered: answered)
            if best.map({ reading.error < $0.error }) ?? true { best = reading }
        }
        return best!
    }

    private func answer() throws(MPIError) {
        for _ in 0..<Self.questions {
            try finish(.receiving(from: 0, tag: Tag.clock))
            try finish(.sending(JobWords.bytes(ofNumber: Clock.now()), to: 0, tag: Tag.clock))
        }
    }

    /// Waits without a sleep, which a clock's reading would have to bear.
    @discardableResult
    private func finish(_ message: MPIMessage) throws(MPIError) -> MPIMessage {
        let limit = Clock.now() + 10_000_000_000
        while !(try message.isOver()) {
            if Clock.now() > limit { throw MPIError(call: "reading clocks", sentence: "no answer within 10 s") }
        }
        return message
    }
}

/// A wait that looks again and again, each time after a longer sleep, for so long at most.
private struct Pause {
    private var nanoseconds: UInt64 = 1000
    private var end: UInt64

    init(seconds: Double) { end = Self.end(in: seconds) }

    private static func end(in seconds: Double) -> UInt64 { Clock.now() + UInt64(min(seconds, 1e9) * 1e9) }
    /// Makes it no longer than that from now on.
    mutating func end(within seconds: Double) { end = min(end, Self.end(in: seconds)) }

    var isOver: Bool { Clock.now() > end }
    mutating func restart() { nanoseconds = 1000 }
    mutating func take() {
        Clock.sleep(nanoseconds: nanoseconds)
        nanoseconds = min(2 * nanoseconds, 1_000_000)
    }
}
