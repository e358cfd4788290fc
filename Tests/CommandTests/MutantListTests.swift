// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `Benchmarks/mutants`: small bugs that the tests should find. A change to the source may leave a list behind.
struct MutantListTests {
    /// On a tree with a mutant in it, which `PPTHREADS_MUTANT` names, the script has nothing to say.
    @Test("every mutant fits the source", .enabled(if: Python.isThere)) func fit() throws {
        let check = try Python.run("../../Benchmarks/mutants/mutants.py", ["check"])
        #expect(check.code == 0 && check.errors.isEmpty, "\(check.output)\(check.errors)")
        let isMutated = ProcessInfo.processInfo.environment["PPTHREADS_MUTANT"] != nil
        let all = check.output.wholeMatch(of: /[0-9]+ mutants, all of which apply\n/)
        #expect(isMutated ? check.output.isEmpty : all != nil, "\(check.output)")
    }
}
