// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension MPITests {
    /// What becomes of a run when one of its processes is gone or stopped. The bound is the deadline and five seconds; launchers
    /// and busy machines get some more.
    @Suite("faults") struct Faults {
        private static let deadlineSeconds = 3.0
        private static let boundSeconds = deadlineSeconds + 5 + 15

        private func endless(_ flags: [String] = [], environment: [String] = []) throws -> MPIRun {
            try MPIRun(
                [MPIProgram.path] + MPITests.endless + ["--timeout", "\(Int(Self.deadlineSeconds))"] + flags,
                environment: environment)
        }

        @Test("a run of which a rank is killed ends in time and names it", arguments: 0..<2, ["mpi", "mpi-only"])
        func killed(rank: Int, transport: String) throws {
            let run = try endless(["--transport", transport])
            let process = try run.rank(rank)
            let before = run.seconds
            kill(process, SIGKILL)
            let outcome = run.wait()
            #expect(run.seconds - before < Self.boundSeconds)
            #expect(outcome.code != 0)
            if MPIProgram.isMPICH {
                // It kills the others at once, and tells by itself, now and then of one that it has killed.
                let text = outcome.output + outcome.errors
                #expect(text.contains("BAD TERMINATION") && text.contains("EXIT CODE: 9"), "\(text)")
            } else {
                #expect(outcome.errors.contains("rank \(rank), on "), "\(outcome.errors)")
                #expect(outcome.errors.contains("was gone when the launcher ended the job"), "\(outcome.errors)")
            }
            #expect(run.isGone())
        }

        @Test("a run of which a rank is stopped ends after its deadline and names it", arguments: 0..<2)
        func stopped(rank: Int) throws {
            let run = try endless()
            let process = try run.rank(rank)
            let before = run.seconds
            kill(process, SIGSTOP)
            let outcome = run.wait()
            #expect(run.seconds - before < Self.boundSeconds)
            #expect(outcome.code != 0 && outcome.output.isEmpty)
            let line = "rank \(rank) hangs or is slower than --timeout allows, or its process, on "
            #expect(outcome.errorLines.count { $0.contains(line) } == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("rank \(1 - rank) waited 3.0"), "\(outcome.errors)")
            #expect(run.isGone())
        }

        @Test("a rank that goes on before the deadline has cost time alone") func goesOn() throws {
            let run = try MPIRun([MPIProgram.path] + MPITests.endless + ["--measure", "2000", "--timeout", "20"])
            let process = try run.rank(1)
            kill(process, SIGSTOP)
            usleep(700_000)
            kill(process, SIGCONT)
            let outcome = run.wait()
            #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        }

        @Test("a signal to the launcher ends the run after the step, with its figures", arguments: [SIGINT, SIGTERM])
        func signal(signal: Int32) throws {
            // As a table: once Open MPI's launcher has had a signal, it reads no more than some 12 KB of what ranks print.
            let run = try MPIRun([MPIProgram.path] + MPITests.endless.filter { $0 != "--json" })
            for rank in 0..<2 { _ = try run.rank(rank) }
            kill(run.launcher, signal)
            let outcome = run.wait()
            // MPICH 4.0's launcher ends with 0 or with the ranks' code then, for any MPI program, as chance will have it.
            #expect(MPIProgram.isMPICH || outcome.code != 0)
            let line = /stopped by SIG(INT|TERM) after step \d+ of 1000003: the figures are of \d+ measured steps/
            #expect(outcome.errors.contains(line), "\(outcome.errors)")
            #expect(outcome.output.contains("\ntokens/s ") && outcome.output.contains("\nloss "), "\(outcome.output)")
            #expect(run.isGone())
        }

        @Test("a signal to any one rank does so too, with the whole report", arguments: 0..<2)
        func signalToRank(rank: Int) throws {
            let run = try MPIRun([MPIProgram.path] + MPITests.endless)
            let process = try run.rank(rank)
            kill(process, SIGTERM)
            let outcome = run.wait()
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
                "\(outcome.errors)")
            let steps = try #require(json["measure_steps"] as? Int)
            #expect(steps > 0 && steps < 1_000_000)
            #expect((json["loss_history"] as? [Double])?.count == steps + 3)
            #expect(run.isGone())
        }

        @Test("who looks on does so for as long as the run takes, and a signal to it ends the run") func looksOn()
            throws
        {
            // Of three processes two are ranks, for longer than waits may last.
            let flags = ["--warmup", "0", "--measure", "1000000", "--timeout", "1"]
            let run = try MPIRun([MPIProgram.path] + MPITests.endless + flags, ranks: 3)
            _ = try run.rank(0)
            sleep(5)
            let looker = try #require(run.process(ofRank: 2))
            kill(looker, SIGTERM)
            let outcome = run.wait()
            #expect(outcome.errors.contains("stopped by SIGTERM after step "), "\(outcome.errors)")
            #expect(outcome.errorLines.count { $0.contains("ppthreads") } == 1 && !outcome.output.isEmpty)
            #expect(run.isGone())
        }

        @Test(
            "a process that looks on and is stopped or killed costs no result", arguments: [SIGSTOP, SIGKILL])
        func lookerGone(signal: Int32) throws {
            // MPICH kills all others at once.
            if MPIProgram.isMPICH && signal == SIGKILL { return }
            // One second, which Open MPI leaves otherwise, is not enough for a report on every machine.
            let run = try MPIRun(
                [MPIProgram.path] + MPITests.endless.filter { $0 != "--json" } + ["--timeout", "60"], ranks: 4,
                environment: ["OMPI_MCA_odls_base_sigkill_timeout=5"])
            let rank = try run.rank(0)
            let looker = try #require(run.process(ofRank: 3))
            let before = run.seconds
            kill(looker, signal)
            // Open MPI ends the job by itself where a process has died.
            if signal == SIGSTOP { kill(rank, SIGTERM) }
            let outcome = run.wait()
            #expect(run.seconds - before < Self.boundSeconds)
            #expect(outcome.output.contains("\ntokens/s ") && outcome.output.contains("\nloss "), "\(outcome.output)")
            #expect(outcome.code != 0)
            #expect(outcome.errors.contains(/rank 3, on .*, looked on and did not answer/), "\(outcome.errors)")
            #expect(run.isGone())
        }

        @Test("a launcher that is killed leaves no process") func launcherKilled() throws {
            // What Open MPI keeps in files, and its launcher takes away unless it is killed, goes with the folder.
            let folder = try Folder()
            let files = ["TMPDIR", "OMPI_MCA_orte_tmpdir_base", "OMPI_MCA_btl_vader_backing_directory"]
            let run = try endless(environment: files.map { "\($0)=\(folder.path(""))" })
            _ = try run.rank(0)
            kill(run.launcher, SIGKILL)
            _ = run.wait()
            #expect(run.isGone())
        }
    }
}
