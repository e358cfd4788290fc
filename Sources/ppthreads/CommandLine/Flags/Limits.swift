// SPDX-License-Identifier: Apache-2.0

/// The largest sizes that flags take: far beyond what runs here, and small enough that no product overflows.
enum Limits {
    static let layers = 1...1024
    static let heads = 1...1024
    static let dim = 1...65536
    static let ffn = 1...262144
    static let vocabulary = 2...(1 << 24)
    static let sequence = 1...65536
    static let batch = 1...65536
    static let stages = 1...256
    /// Of orders that are drawn and not run.
    static let ranks = 1...65536
    /// Of such orders, and of groups within any order.
    static let microbatches = 1...65536
    static let threads = 1...256
    static let virtualStages = 1...64
    static let replicas = 1...256
    static let steps = 0...1_000_000
}
