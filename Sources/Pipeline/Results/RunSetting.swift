// SPDX-License-Identifier: Apache-2.0

import Threads

/// A column of the results that `analyze` groups runs by: a setting, or what machine it was.
public struct RunSetting: Hashable, Sendable {
    /// Its index in `allCases`.
    let index: Int

    /// Settings and machines, in the order by which groups are sorted: first those that most files vary, last the schedule and
    /// v, so that runs that differ in these alone are next to each other. A new column's is before these two.
    public static let allCases: [RunSetting] = columns.indices.map { RunSetting(index: $0) }

    private static let columns: [ResultColumn] = {
        let first = [
            "host", "cpu", "layers", "heads", "world_size", "microbatches", "transport", "arch", "hidden_dim", "ffn",
            "vocab_size", "seq_len", "batch_size", "threads", "partition", "recompute", "forward_only", "optimizer",
            "lr",
            "dropout", "seed", "data", "init", "simd", "gemm", "pin",
        ]
        let last = ["schedule", "virtual_stages"]
        let grouped = ResultColumn.all.filter {
            ($0.role == .setting || $0.role == .machine) && $0.values != .unread
        }
        return first.map(ResultColumn.named) + grouped.filter { !first.contains($0.name) && !last.contains($0.name) }
            + last.map(ResultColumn.named)
    }()

    private init(index: Int) { self.index = index }

    /// - Parameter name: a column's; one that nobody groups by traps.
    private init(_ name: String) {
        guard let index = Self.columns.firstIndex(where: { $0.name == name }) else {
            trap("runs are not grouped by a column \(name)")
        }
        self.index = index
    }

    /// The machine's name.
    public static let host = RunSetting("host")
    /// The CPU's model, as the kernel calls it.
    public static let cpu = RunSetting("cpu")
    /// Transformer layers.
    public static let layers = RunSetting("layers")
    /// Heads of each attention.
    public static let heads = RunSetting("heads")
    /// P.
    public static let ranks = RunSetting("world_size")
    /// M.
    public static let microbatches = RunSetting("microbatches")
    /// R, how many times the pipeline stands side by side; empty for once.
    public static let replicas = RunSetting("replicas")
    /// As `--transport` calls it.
    public static let transport = RunSetting("transport")
    /// As `--partition` calls it.
    public static let partition = RunSetting("partition")
    /// The link that hand-offs were made as slow as; empty where they were as they are.
    static let injectedLink = RunSetting("injected_link")
    /// As `--schedule` calls it, or the name of another order.
    public static let schedule = RunSetting("schedule")
    /// v, stages a rank.
    public static let virtualStages = RunSetting("virtual_stages")

    var column: ResultColumn { Self.columns[index] }

    /// What its column in a results CSV is called.
    public var name: String { column.name }
}
