// SPDX-License-Identifier: Apache-2.0

import CThreads
import Glibc

/// A child of this process that was forked, from the fork until it is collected.
///
/// It is named by a descriptor where the kernel has those, because the number of a process that has ended may be another's
/// as soon as somebody has collected it: this program, or the system where SIGCHLD is ignored.
struct ForkedProcess {
    let id: Int32
    /// -1 where the kernel has none.
    private let descriptor: Int32

    /// Forks, and runs `child` in the child.
    init(_ child: () -> Never) throws(SystemError) {
        // An ended child that is not kept could have lost its number to another process before we asked for a descriptor.
        let forgets = ppt_keep_ended_children() != 0
        defer { if forgets { ppt_forget_ended_children() } }
        // What the parent has not written out yet would be in the child's buffers too, and come out twice.
        fflush(nil)
        let id: Int32
        do throws(SystemError) { id = try systemCall("fork") { fork() } } catch { throw TaskBound.naming(error) }
        if id == 0 { child() }
        self.id = id
        descriptor = ppt_open_process(id)
    }

    /// Ends it by SIGKILL; one that has ended already is left alone.
    ///
    /// - Parameter mayRun: whether it is known not to have ended; asked where there is no descriptor.
    func kill(mayRun: () -> Bool) {
        if descriptor >= 0 {
            _ = ppt_kill_process(descriptor)
        } else if mayRun() {
            _ = Glibc.kill(id, SIGKILL)
        }
    }

    /// What has become of it.
    enum End: Equatable {
        case exited(code: Int32)
        case killed(signal: Int32)
        /// Somebody else has collected it, or the system, where SIGCHLD is ignored.
        case unknown
    }

    /// Waits for its end and collects it. To be called once.
    func collect() -> End {
        defer { if descriptor >= 0 { close(descriptor) } }
        var status: Int32 = 0
        guard (try? systemCall("waitpid") { unsafe waitpid(id, &status, 0) }) == id else { return .unknown }
        let code = ppt_decode_wait_status(status)
        return code >= 1000 ? .killed(signal: code - 1000) : .exited(code: code)
    }

    /// Whether it has been stopped (true) or goes on (false) since this was asked last; nil when there is nothing new.
    func stopNews() -> Bool? {
        if descriptor < 0 { return nil }
        switch ppt_stop_news(descriptor) {
        case 1: return true
        case 2: return false
        default: return nil
        }
    }
}
