// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline

/// The orders that PyTorch 2.13 and the authors of V-Half and V-Min make, in `Golden/schedules`: `KIND_P_M_v.csv` with
/// computations alone, and of PyTorch's own `KIND_P_M_v.comms.csv` with sends and receives.
enum ScheduleVectors {
    static let torch = ["dualpipe-v", "interleaved-zb", "interleaved", "looped-bfs", "zb-v"].flatMap { kind in
        ["2_4_2", "4_8_2"].map { "\(kind)_\($0)" }
    }
    static let others = ["v-half", "v-min"].flatMap { kind in ["2_4_2", "3_9_2", "4_8_2"].map { "\(kind)_\($0)" } }

    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/schedules")
        return try Array(Data(contentsOf: folder.appending(path: name + ".csv")))
    }

    static func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    static func file(_ name: String) throws -> ScheduleFile { try ScheduleFile(bytes: bytes(name), name: "vector") }

    /// Without idle cells, which are for people.
    static func packed(_ text: String) -> String {
        text.split(separator: "\r\n").map { $0.split(separator: ",").joined(separator: ",") + "\r\n" }.joined()
    }
}
