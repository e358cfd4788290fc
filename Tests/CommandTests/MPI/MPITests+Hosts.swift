// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension MPITests {
    /// Two hosts, which are namespaces of this one (`Tests/MPI/hosts.sh`): networks, clocks and memory of their own.
    @Suite("hosts", .enabled(if: MPIHosts.areThere)) struct Hosts {
        @Test(
            "bits are those of one stage: two ranks on two hosts, and four of which two share each host",
            arguments: 1...2)
        func bits(ranksPerHost: Int) throws {
            let outcome = try MPIHosts.run(
                ["--ranks-per-host", "\(ranksPerHost)"],
                [
                    MPIProgram.path, "verify", "--transport", "mpi,mpi-only", "--arch", "gpt", "--microbatches", "4",
                    "--schedule", "1f1b,zb-h1", "--partition", "uniform", "--stages", "\(2 * ranksPerHost)",
                ])
            #expect(outcome.code == 0, "\(outcome.errors)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count { $0.hasPrefix("equal ") } == 4 && lines.last?.contains(" 0 different") == true)
        }

        @Test("an item that is still on its way when its sender has no more to do arrives all the same") func slow()
            throws
        {
            // At 100 Mbit/s the last answer of each size is on the cable long after it was handed to MPI.
            let outcome = try MPIHosts.run(["--rate", "100mbit"], [MPIProgram.benchmarks, "handoff", "--short"])
            #expect(outcome.code == 0 && outcome.errorLines.isEmpty, "\(outcome.errors)")
            #expect(outcome.output.contains("\nmpi: latency ") && outcome.output.contains("\nmpi-only: latency "))
        }

        @Test("a clock that is far off changes no time of a step", arguments: [0, 1000, -1000]) func clocks(ahead: Int)
            throws
        {
            let json = try MPIHosts.json(
                ["--clock-offset", "\(ahead)"], ["run", "--transport", "mpi", "--measure", "10"] + tiny)
            let steps = try #require(json["step_s"] as? [Double])
            // Steps of milliseconds, on CPUs that ranks of both hosts share: seconds would be the clocks'.
            #expect(steps.count == 10 && steps.allSatisfy { $0 > 0 && $0 < 5 }, "\(steps)")
            #expect(json["total_s"] as? Double ?? .infinity < 60)
            try MPITests.checkTerms(json)
            // A hand-off is read on two clocks.
            for edge in try #require(json["handoffs"] as? [[String: Any]]) {
                #expect(edge["us_max"] as? Double ?? .infinity < 5e6 && edge["us_p50"] as? Double ?? -1 > -1000)
            }
        }

        @Test("a cut cable ends the run, which names who cannot be reached") func cable() throws {
            let start = Date.now
            let (cutSeconds, timeoutSeconds) = (3.0, 3.0)
            let outcome = try MPIHosts.run(
                ["--cut-after", "\(cutSeconds)"],
                [MPIProgram.path] + MPITests.endless + ["--timeout", "\(Int(timeoutSeconds))"])
            #expect(outcome.code != 0 && outcome.output.isEmpty)
            #expect(Date.now.timeIntervalSince(start) < cutSeconds + timeoutSeconds + 5 + 20)
            let line = "rank 1 hangs or is slower than --timeout allows, or its process, on host1, is gone"
            #expect(outcome.errorLines.count { $0.contains(line) } == 1, "\(outcome.errors)")
        }

        @Test("a rank that is killed on another host is named with it") func killed() throws {
            let folder = try Folder()
            let pids = folder.path("pids")
            let thread = Thread {
                for _ in 0..<600 {
                    usleep(50_000)
                    let lines = ((try? String(contentsOfFile: pids, encoding: .utf8)) ?? "").split(separator: "\n")
                    guard let line = lines.first(where: { $0.hasPrefix("1 ") }), lines.count == 2 else { continue }
                    sleep(2)
                    kill(Int32(line.split(separator: " ")[1])!, SIGKILL)
                    return
                }
            }
            thread.start()
            let outcome = try MPIHosts.run(
                ["--pids", pids], [MPIProgram.path] + MPITests.endless + ["--timeout", "3"])
            #expect(outcome.code != 0)
            if MPIProgram.isMPICH {
                #expect(outcome.output.contains("RUNNING AT host1"), "\(outcome.output)")
            } else {
                #expect(outcome.errors.contains("rank 1, on host1, was gone"), "\(outcome.errors)")
            }
        }

        @Test("doctor shows each host once, with its ranks") func doctor() throws {
            let outcome = try MPIHosts.run(["--ranks-per-host", "2"], [MPIProgram.path, "doctor"])
            #expect(outcome.code == 0)
            #expect(outcome.output.hasPrefix("4 processes of "))
            let heads = outcome.output.split(separator: "\n").filter { $0.hasPrefix("host ") }
            #expect(heads == ["host host0: ranks 0, 1", "host host1: ranks 2, 3"], "\(heads)")
            #expect(outcome.output.components(separatedBy: "\nCPUs to use").count == 3)
        }

        @Test("a file that one host lacks is told of once, with rank and host") func file() throws {
            let folder = try Folder()
            let weights = folder.path("w.safetensors")
            let saved = try ChildProcess([MPIProgram.path, "run", "--measure", "1", "--save", weights] + tiny).wait()
            #expect(saved.code == 0)
            // Each host has a /dev/shm of its own.
            let script = "[ \"$(hostname)\" = host0 ] && cp \"$0\" /dev/shm/w.safetensors; exec \"$@\""
            let outcome = try MPIHosts.run(
                [],
                [
                    "/bin/sh", "-c", script, weights, MPIProgram.path, "run", "--transport", "mpi", "--init",
                    "/dev/shm/w.safetensors",
                ] + tiny)
            #expect(outcome.code == 65)
            #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
            #expect(
                outcome.errors.contains("rank 1, on host1: /dev/shm/w.safetensors: cannot be read"), "\(outcome.errors)"
            )
        }
    }
}
