import Pipeline

/// A schedule as a person names it: one that can be made by name, or a file's.
enum ScheduleChoice: Equatable {
    case kind(ScheduleKind)
    /// The path of a CSV.
    case file(String)

    /// What is neither a name nor a file's is an error that says what was probably meant.
    init(_ text: String) throws(FlagValueError) {
        if let kind = ScheduleKind(rawValue: text) {
            self = .kind(kind)
        } else if text.contains("/") || text.lowercased().hasSuffix(".csv") || FileIdentity(text) != nil {
            self = .file(text)
        } else {
            let names = ScheduleKind.allCases.map(\.rawValue)
            let meant = Slip.of(text, among: names).map { "did you mean \($0)? " } ?? ""
            throw FlagValueError(allowed: "\(meant)\(names.joined(separator: ", ")), or a CSV file")
        }
    }
}
