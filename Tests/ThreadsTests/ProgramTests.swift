// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import Threads

struct ProgramTests {
    @Test(
        "a program's exit code or signal is told",
        arguments: [
            ("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 1009),
            ("[ $(readlink /proc/$$/fd/0) = /dev/null ] && exit 3", 3),
        ])
    func code(script: String, code: Int32) throws {
        #expect(try Program.run("/bin/sh", ["-c", script], nanosecondsMost: 60_000_000_000) == code)
    }

    @Test("arguments arrive as they are") func arguments() throws {
        let words = ["a b", "", "$HOME", "é"]
        let script = #"[ $# = 4 ] && [ "$1" = "a b" ] && [ -z "$2" ] && [ "$3" = '$HOME' ] && [ "$4" = "é" ]"#
        #expect(try Program.run("/bin/sh", ["-c", script, "sh"] + words, nanosecondsMost: 60_000_000_000) == 0)
    }

    @Test("one that takes too long is killed") func timeout() throws {
        #expect(try Program.run("/bin/sleep", ["20"], nanosecondsMost: 1_000_000) == 1009)
    }

    @Test("time in which this program was stopped is not the other one's") func stopped() async {
        // In a process of its own, which what it runs stops from 0.1 to 1.7 seconds.
        await #expect(processExitsWith: .exitCode(0)) {
            let script = "(sleep 0.1; kill -STOP $PPID; sleep 1.6; kill -CONT $PPID) & sleep 2.3"
            exit(try Program.run("/bin/sh", ["-c", script], nanosecondsMost: 1_300_000_000))
        }
    }

    @Test("one that is not there cannot be started") func missing() {
        #expect(throws: SystemError.self) { try Program.run("/nowhere/program", [], nanosecondsMost: 1) }
    }

    @Test("a program is not left with the signals that this process ignores") func signals() throws {
        _ = signal(SIGPIPE, SIG_IGN)
        // The signals 1 to 31; glibc has the two behind them ignored.
        let ignoresNothing = "case $(grep SigIgn /proc/self/status) in *[08]0000000) exit 3;; esac"
        #expect(try Program.run("/bin/sh", ["-c", ignoresNothing], nanosecondsMost: 20_000_000_000) == 3)
    }
}
