// SPDX-License-Identifier: Apache-2.0

/// The colours of one concern, in pages and in plots: a class each. No colour is in two palettes.
package struct Palette: Sendable {
    /// What a class looks like on a light page and on a dark one.
    package struct Colour: Sendable {
        /// The class.
        package let style: String
        package let light, dark: String
        /// Of text that stands on it, if any does.
        package let ink: String?

        init(_ style: String, _ light: String, dark: String? = nil, ink: String? = nil) {
            (self.style, self.light, self.dark, self.ink) = (style, light, dark ?? light, ink)
        }
    }

    /// What the style sheet sets: `fill`, or `color` for marks that are drawn in `currentColor`.
    let property: String
    package let colours: [Colour]

    /// What pages and plots stand on.
    package static let surface = (light: "#ffffff", dark: "#14171a")

    /// All of them, as a page has them.
    static let styles = Markup([TermPalette.colours, ActionPalette.colours, SchedulePalette.colours].map(\.both))

    /// Gives each class its colour.
    package var lightStyle: Markup {
        let inks = colours.compactMap { colour in colour.ink.map { "text.in-\(colour.style) { fill: \($0); }" } }
        return .style((colours.map { rule($0.style, $0.light) } + inks).joined(separator: "\n"))
    }

    /// The same for a dark page, where that differs.
    private var darkStyle: Markup {
        let others = colours.filter { $0.dark != $0.light }.map { rule($0.style, $0.dark) }
        let rules = others.joined(separator: "\n")
        return others.isEmpty ? [] : .style("@media (prefers-color-scheme: dark) {\n\(rules)\n}")
    }

    /// Follows the reader's light or dark scheme.
    package var both: Markup { [lightStyle, darkStyle] }

    private func rule(_ style: String, _ colour: String) -> String { ".\(style) { \(property): \(colour); }" }
}
