/// A piece of HTML. Text becomes one only by being escaped, so that nothing a user typed can act as markup; every tag that
/// is opened is closed.
struct Markup: ExpressibleByStringInterpolation, ExpressibleByArrayLiteral {
    let html: String

    private init(html: String) { self.html = html }

    /// Text, as it is to be read.
    init(_ text: String) { self.init(html: Self.escaped(text)) }
    init(stringLiteral text: String) { self.init(text) }

    /// Pieces, one after the other.
    init(_ pieces: [Markup]) { self.init(html: pieces.map(\.html).joined()) }
    init(arrayLiteral pieces: Markup...) { self.init(pieces) }

    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: Markup = []
    ) -> Markup {
        Markup(html: "<\(name)\(list(attributes))>\(content.html)</\(name)>")
    }

    /// An element that has no content and no end, such as `meta`.
    static func void(_ name: String, _ attributes: KeyValuePairs<String, String>) -> Markup {
        Markup(html: "<\(name)\(list(attributes))>")
    }

    /// A `style` or `script` element, which browsers do not unescape.
    /// - Parameter code: a part of this program, without `</`.
    static func code(_ name: String, _ code: StaticString) -> Markup {
        Markup(html: "<\(name)>\n\(code)\n</\(name)>\n")
    }

    /// The whole file.
    static func document(head: Markup, body: Markup) -> String {
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n\(head.html)</head>\n<body>\n\(body.html)</body>\n</html>\n"
    }

    private static func list(_ attributes: KeyValuePairs<String, String>) -> String {
        attributes.map { " \($0)=\"\(escaped($1))\"" }.joined()
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // XML has no way to write most of these.
            case _ where character.isHidden && character != "\n": result += character.visibleEscape
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}

// MARK: SVG

/// Charts are as wide as their place: across, positions are parts of a scale; down, they are pixels. So text keeps its size
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

/// From 0 to an end that is above 0, in some unit, over the width of a chart.
struct Scale {
    let end: Double
    let unit: String

    /// The part of the width that a value takes.
    func part(_ value: Double) -> String { "\((value / end * 100).fixed(3))%" }

    /// Lines from top to bottom at round values, which stand below.
    func grid(height: Double) -> Markup {
        Markup(
            ticks.map { value, text -> Markup in
                [
                    .line("grid", from: (part(value), 0), to: (part(value), height)),
                    .label("tick", x: part(value), y: height + 15, Markup(value == 0 ? "0 \(unit)" : text)),
                ]
            })
    }

    /// Pieces one after the other, from 0 on. One below 0, which noise can bring about, takes back from the one before it.
    func stack(_ pieces: [(style: String, length: Double)], y: Double, height: Double) -> Markup {
        var start = 0.0
        return Markup(
            pieces.map { style, length in
                defer { start += length }
                return .rectangle(style, x: part(start), y: y, width: part(max(0, length)), height: height)
            })
    }

    /// An interval, with ends that reach so many pixels up and down.
    func whisker(from low: Double, to high: Double, y: Double, reach: Double) -> Markup {
        let (low, high) = (part(low), part(high))
        return [
            .line("whisker", from: (low, y), to: (high, y)),
            .line("whisker", from: (low, y - reach), to: (low, y + reach)),
            .line("whisker", from: (high, y - reach), to: (high, y + reach)),
        ]
    }

    var ticks: [(value: Double, text: String)] { ticks(from: 0) }

    /// Round values from a start to the end; none where there are no numbers that are so large, or so close to each other.
    func ticks(from start: Double) -> [(value: Double, text: String)] {
        let step = Self.tickStep(end - start)
        let digits = sequence(first: step) { $0 * 10 }.prefix { $0 < 0.999 }.count
        let last = (end / step * 1.000001).rounded(.down)
        guard let first = Int(exactly: (start / step).rounded(.up)), let last = Int(exactly: last) else { return [] }
        return stride(from: first, through: last, by: 1).map { tick in
            let value = Double(tick) * step
            return (value, digits == 0 ? value.grouped : value.fixed(digits))
        }
    }

    /// 1, 2 or 5 times a power of ten, so that there are few.
    private static func tickStep(_ length: Double) -> Double {
        var (step, growth) = (1e-6, 0)
        while length / step > 7 && step.isFinite {
            step *= [2, 2.5, 2][growth % 3]
            growth += 1
        }
        return step
    }
}
