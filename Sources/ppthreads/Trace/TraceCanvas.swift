// SPDX-License-Identifier: Apache-2.0

/// Columns for a stretch of time, in bands of equal length.
struct TraceCanvas {
    /// Columns of a band.
    let width: Int
    let bands: Int
    /// Microseconds that all bands together stand for.
    let scale: Double

    /// More of them are harder to read than signs without names.
    private static let bandsMost = 6

    /// The fewest bands that name every action of all drawings, or most of them; one where that would take too many.
    init(width: Int, scale: Double, naming drawings: [TraceDrawing]) {
        let canvases = (1...Self.bandsMost).map { TraceCanvas(width: width, bands: $0, scale: scale) }
        func fewest(_ part: Double) -> TraceCanvas? {
            canvases.first { canvas in drawings.allSatisfy { $0.partNamed(canvas) >= part } }
        }
        self = [1, 0.8, 0.5].lazy.compactMap(fewest).first ?? canvases[0]
    }

    init(width: Int, bands: Int = 1, scale: Double) { (self.width, self.bands, self.scale) = (width, bands, scale) }

    /// Those of a band that a span takes, which is at least one in the band that it starts in.
    func columns(from start: Double, to end: Double, _ band: Int) -> Range<Int> {
        let all = width * bands
        let first = min(column(start), all - 1)
        let span = first..<max(column(end), first + 1)
        let own = span.clamped(to: band * width..<(band + 1) * width)
        return own.isEmpty ? 0..<0 : own.lowerBound - band * width..<own.upperBound - band * width
    }

    private func column(_ time: Double) -> Int { scale > 0 ? Int(time / scale * Double(width * bands)) : 0 }

    /// When a band starts and ends.
    func axis(_ band: Int) -> String {
        func milliseconds(_ band: Int) -> String { (scale / 1000 * Double(band) / Double(bands)).fixed(2) }
        let start = band == 0 ? "0" : milliseconds(band)
        return start.padded(to: width - 10) + "\(milliseconds(band + 1)) ms".paddedLeft(to: 10)
    }
}
