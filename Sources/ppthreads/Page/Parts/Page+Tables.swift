// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension Page {
    /// A table that scrolls by itself where it is wider than the page, beside its first column.
    ///
    /// - Parameters:
    ///   - settings: how many columns behind the first hold what the first has too where there is no room for them.
    static func table(
        _ caption: Markup, _ header: [String], _ rows: [Markup], settings: Int = 0, footer: Markup? = nil,
        sortable: Bool = false
    ) -> Markup {
        let cells = header.enumerated().map { column, name -> Markup in
            if column > settings { return .element("th", ["scope": "col"], heading(name)) }
            return .element("th", ["scope": "col", "class": column == 0 ? "text" : "text setting"], heading(name))
        }
        let parts: Markup = [
            .element("caption", [:], caption), .element("thead", [:], .element("tr", [:], Markup(cells))),
            .element("tbody", [:], Markup(rows)), footer.map { .element("tfoot", [:], $0) } ?? [],
        ]
        let label = header.joined(separator: ", ")
        return .element(
            "div",
            [
                "class": rows.count > 30 ? "scroll tall" : "scroll", "tabindex": "0", "role": "region",
                "aria-label": label,
            ],
            .element("table", tableClasses(header, sortable), parts))
    }

    /// Columns that a page of full width has room for.
    private static let columnsMost = 12

    private static func tableClasses(_ header: [String], _ sortable: Bool) -> KeyValuePairs<String, String> {
        let classes = (sortable ? ["sortable"] : []) + (header.count > columnsMost ? ["crowded"] : [])
        return classes.isEmpty ? [:] : ["class": classes.joined(separator: " ")]
    }

    static func rowHeader(_ text: String) -> Markup { .element("th", ["scope": "row"], Markup(text)) }

    /// A row's name and its settings: in columns of their own, or below the name where there is no room for them.
    static func rowHead(_ name: String, settings: [String], brief: String) -> Markup {
        let below = Markup.element("small", ["class": "brief"], Markup(brief))
        let header = Markup.element("th", ["scope": "row", "data-value": name], [Markup(name), below])
        return [header, Markup(settings.map { .element("td", ["class": "text setting"], Markup($0)) })]
    }

    /// A figure with its interval, if it has one.
    static func cell(_ estimate: Estimate, _ format: (Double) -> String) -> Markup {
        .element(
            "td", ["data-value": "\(estimate.value)"],
            [
                Markup(format(estimate.value)),
                estimate.brackets(format).map { .element("small", [:], Markup($0)) } ?? [],
            ])
    }

    static let noFigure = Markup.element("td", ["data-value": ""], "-")

    /// In milliseconds; empty without an interval.
    static func interval(_ seconds: Estimate) -> String { seconds.brackets { ($0 * 1000).fixed(2) } ?? "" }
}
