// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// What there is to say of each host that a launcher has started processes on, once: by the first process that is there.
package struct DoctorHosts {
    private let texts: [(host: JobHost?, value: String)]
    private let library: String

    /// - Parameters:
    ///   - texts: each process's, in order; of a program that no launcher has started, one without a host.
    ///   - library: what carries the processes' messages.
    package init(_ texts: [(host: JobHost?, value: String)], library: String?) {
        (self.texts, self.library) = (texts, library ?? "MPI")
    }

    package var text: String {
        if texts.count == 1 { return texts[0].value }
        var parts = ["\(counted(texts.count, "process", "processes")) of \(library)"]
        var shown: Set<Int> = []
        for (rank, (host, text)) in texts.enumerated() where !shown.contains(rank) {
            let same = texts.indices.filter { texts[$0].host?.first == host?.first }
            shown.formUnion(same)
            let ranks = same.map(String.init).joined(separator: ", ")
            let clock = host?.clock == texts[0].host?.clock ? "" : "; its clock is another than rank 0's"
            parts.append("host \(host?.name ?? "?"): rank\(same.count == 1 ? "" : "s") \(ranks)\(clock)\n\n\(text)")
        }
        return parts.joined(separator: "\n\n")
    }
}
