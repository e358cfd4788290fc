// SPDX-License-Identifier: Apache-2.0

/// Something wrong with a file's contents, or the file cannot be read or written.
public struct DataError: Error, Equatable, Codable, CustomStringConvertible {
    /// The file, as it was given.
    public let path: String
    /// What is wrong with it, worded to follow the path and a colon.
    public let reason: String

    /// With these values.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path): \(reason)" }
}
