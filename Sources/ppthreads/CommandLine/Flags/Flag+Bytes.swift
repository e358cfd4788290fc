// SPDX-License-Identifier: Apache-2.0

extension Flag {
    /// A number of bytes, such as 200MiB.
    static func bytes(_ name: String, set path: WritableKeyPath<Options, Int?>, help: String) -> Flag {
        Flag(names: [name], placeholder: "BYTES", help: help, standard: "no limit") {
            options, text throws(FlagValueError) in
            let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]
            let unit = units.first { text.hasSuffix($0.0) }
            guard let number = Double(text.dropLast(unit?.0.count ?? 0)), number > 0,
                case let bytes = number * Double(1 << (unit?.1 ?? 0)), bytes >= 1, bytes < 1e18
            else { throw FlagValueError(allowed: "a number of bytes, or one with a unit, such as 200MiB or 1.5GiB") }
            options[keyPath: path] = Int(bytes)
        }
    }
}
