// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What all pages have in common: one file that needs no other and no network, and that can be read without its script.
package enum Page {
    /// - Parameters:
    ///   - style: what this page has besides the common one.
    ///   - scripts: likewise; they run after the common one.
    package static func text(
        title: Markup, _ content: Markup, style: Markup = [], scripts: Markup = []
    ) -> String {
        Markup.document(
            head: [head(title), style],
            body: [patterns, .element("main", [:], content), meanings(in: content), marksScript, sortScript, scripts])
    }

    /// The policy forbids the page whatever would need a network.
    private static func head(_ title: Markup) -> Markup {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        return [
            .void("meta", ["charset": "utf-8"]),
            .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .void("meta", ["http-equiv": "Content-Security-Policy", "content": policy]),
            .void("meta", ["name": "color-scheme", "content": "light dark"]), .element("title", [:], title), style,
            Palette.styles,
        ]
    }

    // MARK: Text

    static func facts(_ facts: [(name: String, value: String)]) -> Markup {
        let entries = facts.map { name, value -> Markup in
            .element("div", [:], [.element("dt", [:], Markup(name)), .element("dd", [:], Markup(value))])
        }
        return .element("dl", ["class": "facts"], Markup(entries))
    }

    static func section(_ id: String, _ title: Markup, _ content: Markup) -> Markup {
        .element("section", ["aria-labelledby": id], [.element("h2", ["id": id], title), content])
    }

    static func definition(_ name: Markup, _ meaning: Markup) -> Markup {
        .element("div", [:], [.element("dt", [:], name), .element("dd", [:], meaning)])
    }

    static func definition(_ term: Breakdown.Term) -> Markup {
        definition([key(term.rawValue), "\(term.rawValue)"], "\(term.meaning.asSentence)")
    }
}

extension String {
    /// With a capital letter and a full stop.
    fileprivate var asSentence: String { prefix(1).uppercased() + dropFirst() + "." }
}
