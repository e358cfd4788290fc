import Pipeline
import Threads

/// The sizes that a page has every order of.
struct SchedulePageSizes {
    /// P, M and v, each in the order given; the last for orders that leave a choice.
    let ranks, microbatches, virtualStages: [Int]

    /// As a flag's default.
    static var ranks: String { usual.ranks.map(String.init).joined(separator: ",") }
    /// As a flag's default.
    static var microbatches: String { usual.microbatches.map(String.init).joined(separator: ",") }

    private static let usual = (ranks: [2, 4, 8], microbatches: [4, 8, 16])

    /// More would make a page of tens of megabytes.
    private static let actionsMost = 1_000_000

    /// - Throws: code 64 for sizes that make too large a page.
    init(_ options: ScheduleOptions) throws(CommandError) {
        ranks = options.stages ?? Self.usual.ranks
        microbatches = options.microbatches ?? Self.usual.microbatches
        virtualStages = options.virtualStages ?? [2]
        try check()
    }

    /// Those of an order, with all others of the same P and M.
    init(_ schedule: Schedule, _ options: ScheduleOptions) throws(CommandError) {
        (ranks, microbatches) = ([schedule.ranks], [schedule.microbatches])
        virtualStages = options.virtualStages ?? [2]
        try check()
    }

    /// In numbers that do not overflow.
    private func check() throws(CommandError) {
        let sums = [ranks, microbatches].map { $0.reduce(0.0) { $0 + Double($1) } }.reduce(1, *)
        let actions = ScheduleKind.allCases.reduce(0.0) { sum, kind in
            sum + PageOrders.virtualStages(of: kind, virtualStages).reduce(0) { $0 + sums * Double($1) * 3 }
        }
        if actions <= Double(Self.actionsMost) { return }
        throw CommandError(
            code: .usage,
            message:
                "--html: a page of up to \(actions.grouped) actions; it may hold \(Self.actionsMost). Fewer or smaller "
                + "--stages, --microbatches and --virtual-stages make a smaller one")
    }
}
