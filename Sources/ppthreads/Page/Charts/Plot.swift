// SPDX-License-Identifier: Apache-2.0

/// A chart that stands in a page, as wide as the page, or in an SVG file of its own.
package struct Plot {
    /// The section's in the page, and the file's name.
    let id: String
    let title: String
    /// What it shows, in a sentence.
    let note: String
    let legend: [(style: String, title: String)]
    /// Without the margins: below there is room for an axis.
    let height: Double
    let content: Markup
    /// Whether it shows all models at once.
    var isOverview = false

    package init(
        id: String, title: String, note: String, legend: [(style: String, title: String)], height: Double,
        content: Markup, isOverview: Bool = false
    ) {
        (self.id, self.title, self.note, self.legend) = (id, title, note, legend)
        (self.height, self.content, self.isOverview) = (height, content, isOverview)
    }

    private static let axisHeight = 42.0

    /// For a page with `Page`'s style and script.
    package var section: Markup {
        Page.section(
            id, Markup(title),
            [
                .element("p", [:], Markup(note)), Page.legend(legend),
                .chart(title, height: height + Self.axisHeight, content),
            ])
    }

    /// One that needs no other file and follows the reader's light or dark scheme.
    package var file: String {
        file([Self.style, Self.darkStyle, TermPalette.colours.both, SchedulePalette.colours.both])
    }

    /// One in colours on white, whatever the reader's scheme is.
    package var lightFile: String {
        file([Self.style, TermPalette.colours.lightStyle, SchedulePalette.colours.lightStyle])
    }

    private func file(_ styles: Markup) -> String {
        let (keys, _) = fileLegend(top: legendTop)
        let top = chartTop
        let chart = Markup.element(
            "svg",
            [
                "class": "chart", "x": "24", "y": top.fixed(0), "width": String(Self.width - 48),
                "height": (height + Self.axisHeight).fixed(0), "overflow": "visible",
            ], content)
        let lines = notes.enumerated().map { line, text in
            Markup.label("aside", x: "24", y: 54 + Double(line) * 18, Markup(text))
        }
        return Markup.svgFile(
            title, width: Self.width, height: fileHeight,
            [
                styles, .rectangle("paper", x: "0", y: 0, width: "100%", height: fileHeight),
                .label("title", x: "24", y: 32, Markup(title)), Markup(lines), keys, chart,
            ])
    }

    /// A file's width and height, in pixels.
    static let width = 800
    var fileHeight: Double { (chartTop + height + Self.axisHeight + 12).rounded() }

    private var notes: [String] { note.lines(between: " ", columns: 112) }
    private var legendTop: Double { 54 + Double(notes.count) * 18 }
    private var chartTop: Double { legendTop + fileLegend(top: legendTop).height + 12 }

    /// Entries in rows; and how high they are.
    private func fileLegend(top: Double) -> (Markup, height: Double) {
        var (x, y) = (24, top)
        let entries = legend.map { style, title -> Markup in
            let length = 22 + title.count * 7 + 20
            if x + length > Self.width - 24 { (x, y) = (24, y + 22) }
            defer { x += length }
            return [
                .rectangle(style, x: "\(x)", y: y, width: "14", height: 14),
                .label("aside", x: "\(x + 20)", y: y + 12, Markup(title)),
            ]
        }
        return (Markup(entries), legend.isEmpty ? 0 : y - top + 22)
    }

    /// The page's, without variables, which many programs that show SVG do not know.
    private static let style = Markup.code(
        "style",
        """
        text { fill: #16191d; font: 13px system-ui, "Helvetica Neue", Arial, sans-serif; }
        .title { font-size: 18px; font-weight: 600; }
        .name { font-weight: 600; }
        .sum { text-anchor: end; }
        .tick { font-size: 12px; text-anchor: middle; }
        .axis { text-anchor: middle; }
        .aside { font-size: 13px; }
        .tick, .axis, .aside { fill: #57606a; }
        .paper { fill: #ffffff; }
        .hit { fill: transparent; }
        .grid { stroke: #d4d8dd; }
        .whisker { stroke: #16191d; stroke-width: 1.5; }
        .solid { fill: currentColor; }
        .outline { fill: none; stroke: currentColor; stroke-width: 1.5; }
        .series { stroke: currentColor; stroke-width: 2; }
        .point { stroke: #ffffff; stroke-width: 1; }
        .halo { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
        .ideal { stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
        """)

    private static let darkStyle = Markup.code(
        "style",
        """
        @media (prefers-color-scheme: dark) {
          text { fill: #e8eaed; }
          .tick, .axis, .aside { fill: #a4adb7; }
          .paper { fill: #14171a; }
          .grid { stroke: #3b434b; }
          .whisker { stroke: #e8eaed; }
          .ideal { stroke: #a4adb7; }
          .point, .halo { stroke: #14171a; }
        }
        """)
}
