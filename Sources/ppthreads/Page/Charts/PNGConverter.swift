// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Pipeline
import Threads

/// A program of this machine that makes PNGs of SVGs, at twice their size, so that they are sharp on any screen.
struct PNGConverter {
    private let path: String
    private let kind: Kind

    private enum Kind { case rsvg, inkscape, chromium }

    /// Those that draw style sheets and scale in full, the lightest first. ImageMagick's own renderer does not.
    private static let known: KeyValuePairs<String, Kind> = [
        "rsvg-convert": .rsvg, "inkscape": .inkscape, "chromium": .chromium, "chromium-browser": .chromium,
        "google-chrome": .chromium, "google-chrome-stable": .chromium,
    ]
    /// What a plot takes is a second; whatever takes this long hangs.
    private static let nanosecondsMost: UInt64 = 60_000_000_000

    /// Pixels of a plot's height above which a browser leaves the rest of the picture blank, and says nothing.
    static let heightMost = 7500.0

    /// The first one that `PATH` has.
    /// - Throws: `CommandError` with code 69 when there is none.
    static func find() throws(CommandError) -> PNGConverter {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for (name, kind) in known {
            for path in folders.map({ "\($0)/\(name)" }) where FileManager.default.isExecutableFile(atPath: path) {
                return PNGConverter(path: path, kind: kind)
            }
        }
        throw CommandError(
            code: .unavailable,
            message: "--png: PATH has no \(known.map(\.key).joined(separator: ", ")) to make PNGs with")
    }

    /// Writes a plot as it looks on white.
    /// - Throws: `CommandError` with code 70 when the program fails, with 65 when the file cannot be written.
    func write(_ plot: Plot, to file: OutputFile) throws(CommandError) {
        let bytes = try convert(plot)
        try readingData { () throws(DataError) in try file.write(data: bytes) }
    }

    /// What every PNG begins with.
    private static let signature: [UInt8] = [0x89] + Array("PNG\r\n\u{1A}\n".utf8)

    private func convert(_ plot: Plot) throws(CommandError) -> Data {
        let parent = FileManager.default.temporaryDirectory.path
        let folder = try saying("a folder in \(parent) cannot be made") { () throws(SystemError) in
            try PartialFolder(in: parent, prefix: "ppthreads")
        }
        let (svg, png) = (URL(filePath: "\(folder.path)/plot.svg"), URL(filePath: "\(folder.path)/plot.png"))
        try readingData { () throws(DataError) in try OutputFile(svg.path).write(text: plot.lightFile) }
        let code = try saying("\(path) cannot be run") { () throws(SystemError) in
            try Program.run(path, arguments(svg, png, plot, folder.path), nanosecondsMost: Self.nanosecondsMost)
        }
        guard code == 0, let bytes = try? Data(contentsOf: png), bytes.starts(with: Self.signature) else {
            let end = code < 1000 ? "ended with code \(code)" : "was ended by signal \(code - 1000)"
            throw CommandError(code: .failed, message: "--png: \(path) \(end) and made no PNG of \(plot.id).svg")
        }
        return bytes
    }

    private func saying<Value>(
        _ what: String, _ body: () throws(SystemError) -> Value
    ) throws(CommandError) -> Value {
        do throws(SystemError) { return try body() } catch {
            throw CommandError(code: .failed, message: "--png: \(what): \(error)")
        }
    }

    private func arguments(_ svg: URL, _ png: URL, _ plot: Plot, _ folder: String) -> [String] {
        switch kind {
        case .rsvg:
            ["--zoom", "2", "--background-color", "white", "--format", "png", "--output", png.path, svg.path]
        case .inkscape:
            [
                "--export-type=png", "--export-filename=\(png.path)", "--export-dpi=192", "--export-background=white",
                svg.path,
            ]
        case .chromium:
            [
                "--headless", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=2",
                "--window-size=\(Plot.width),\(Int(plot.fileHeight))", "--user-data-dir=\(folder)/profile",
                "--screenshot=\(png.path)",
                // It refuses to run as root otherwise; all that it opens is the plot.
            ] + (getuid() == 0 ? ["--no-sandbox"] : []) + [svg.absoluteString]
        }
    }
}
