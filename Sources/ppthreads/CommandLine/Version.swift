// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Which ppthreads this is. Its commit, `Version.commit`, is written by the build (Commit/).
enum Version {
    static let number = "0.1.0"
    static let program = ResultRow.Program(version: number, commit: commit)
}
