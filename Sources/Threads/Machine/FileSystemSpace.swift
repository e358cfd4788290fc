// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How large the file system behind a path is.
public struct FileSystemSpace: Sendable, Equatable {
    /// What is left for this program; nil when there is no bound but memory's.
    public let freeBytes: Int?
    /// Its size, used or not; nil when there is no bound but memory's.
    public let totalBytes: Int?
    /// How many files more it has room for; nil when that is not told.
    public let freeFiles: Int?

    /// Nil when there is nothing at the path.
    public init?(of path: String) {
        var sizes = statvfs()
        guard unsafe statvfs(path, &sizes) == 0 else { return nil }
        // A tmpfs without a size says that it has 0 blocks.
        let block = Int(clamping: sizes.f_frsize)
        freeBytes = sizes.f_blocks == 0 ? nil : Self.product(Int(clamping: sizes.f_bavail), block)
        totalBytes = sizes.f_blocks == 0 ? nil : Self.product(Int(clamping: sizes.f_blocks), block)
        freeFiles = sizes.f_files == 0 ? nil : Int(clamping: sizes.f_favail)
    }

    private static func product(_ a: Int, _ b: Int) -> Int {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? .max : product
    }
}
