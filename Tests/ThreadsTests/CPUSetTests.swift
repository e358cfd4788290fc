// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

struct CPUSetTests {
    @Test(
        "the kernel's list form is read and written",
        arguments: [("0", [0]), ("0-3", [0, 1, 2, 3]), ("0-2,8", [0, 1, 2, 8]), ("5,3", [3, 5]), ("1,2", [1, 2])])
    func list(text: String, cpus: [Int]) {
        #expect(CPUSet(list: text)?.cpus == cpus)
        #expect(CPUSet(list: CPUSet(cpus).description)?.cpus == cpus)
    }

    @Test("runs of three and more are written as ranges") func description() {
        #expect(CPUSet([0, 1, 2, 4, 5, 9]).description == "0-2,4,5,9")
    }

    @Test("anything else is no list", arguments: ["", "a", "1-", "-1", "3-1", "1,,2", "1-2-3", "99999", "0,"])
    func rejected(text: String) { #expect(CPUSet(list: text) == nil) }

    @Test("the allowed CPUs are those that /proc tells") func allowed() throws {
        let line = TextFile.text("/proc/self/status")!.split(separator: "\n")
            .first { $0.hasPrefix("Cpus_allowed_list:") }!
        let list = line.split(separator: "\t").last!
        #expect(try CPUSet.allowed() == CPUSet(list: list))
    }
}
