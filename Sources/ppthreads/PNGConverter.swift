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
    func write(_ plot: Plot, to file: String) throws(CommandError) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let (svg, png) = (folder.appending(path: "plot.svg"), folder.appending(path: "plot.png"))
        let code: Int32
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(plot.lightFile.utf8).write(to: svg)
            code = try Program.run(
                path, arguments(svg, png, plot, folder), nanosecondsMost: Self.nanosecondsMost)
        } catch {
            throw CommandError(code: .failed, message: "--png: \(path) cannot be run: \(error)")
        }
        guard code == 0, let bytes = try? Data(contentsOf: png), !bytes.isEmpty else {
            let end = code < 1000 ? "ended with code \(code)" : "was ended by signal \(code - 1000)"
            throw CommandError(code: .failed, message: "--png: \(path) \(end) and made no PNG of \(plot.id).svg")
        }
        try readingData { () throws(DataError) in try WholeFile.write(file, data: bytes) }
    }

    private func arguments(_ svg: URL, _ png: URL, _ plot: Plot, _ folder: URL) -> [String] {
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
                "--window-size=\(Plot.width),\(Int(plot.fileHeight))", "--user-data-dir=\(folder.path)/profile",
                "--screenshot=\(png.path)",
                // It refuses to run as root otherwise; all that it opens is the plot.
            ] + (getuid() == 0 ? ["--no-sandbox"] : []) + [svg.absoluteString]
        }
    }
}
