// SPDX-License-Identifier: Apache-2.0

/// Charts are as wide as what holds them: across, positions are parts of a scale; down, they are pixels. So text keeps its size
/// on every screen.
extension Markup {
    /// - Parameters:
    ///   - label: what it shows, for those who do not see it.
    ///   - width: pixels below which its surroundings scroll instead.
    static func chart(_ label: String, height: Double, width: Int = 0, _ content: Markup) -> Markup {
        element(
            "svg",
            [
                "class": "chart", "role": "group", "aria-label": label, "height": height.fixed(0),
                "style": "min-width:\(width)px",
            ], content)
    }

    /// Something that tells more when it is pointed at or has the focus.
    static func mark(_ details: String, _ content: Markup) -> Markup {
        element("g", ["class": "mark"], [element("title", [:], Markup(details)), content])
    }

    static func rectangle(_ style: String, x: String, y: Double, width: String, height: Double) -> Markup {
        element(
            "rect", ["class": style, "x": x, "y": y.fixed(1), "width": width, "height": height.fixed(1)])
    }

    static func line(_ style: String, from start: (x: String, y: Double), to end: (x: String, y: Double)) -> Markup {
        element(
            "line", ["class": style, "x1": start.x, "y1": start.y.fixed(1), "x2": end.x, "y2": end.y.fixed(1)])
    }

    /// - Parameter shift: pixels to the right of `x`.
    static func label(_ style: String, x: String, y: Double, shift: Int = 0, _ text: Markup) -> Markup {
        element("text", ["class": style, "x": x, "y": y.fixed(1), "dx": String(shift)], text)
    }

    static func circle(_ style: String, x: String, y: Double, radius: Double) -> Markup {
        element("circle", ["class": style, "cx": x, "cy": y.fixed(1), "r": radius.fixed(1)])
    }

    /// An SVG file as wide as text of its size is legible on a screen and in print.
    static func svgFile(_ label: String, width: Int, height: Double, _ content: Markup) -> String {
        element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(width) \(height.fixed(0))", "role": "img",
                "width": String(width), "height": height.fixed(0), "aria-label": label,
            ], content
        ).html + "\n"
    }
}
