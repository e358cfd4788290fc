/// Something wrong with a file's contents, or the file cannot be read or written.
public struct DataError: Error, Equatable, Codable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path): \(reason)" }
}
