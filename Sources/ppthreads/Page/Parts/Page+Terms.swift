// SPDX-License-Identifier: Apache-2.0

extension Page {
    // MARK: Terms

    /// What heads a column or stands in a legend: where the glossary has it, a button that opens its meaning.
    ///
    /// The browser's own popover: it needs no script, opens by keyboard and by touch, and Escape closes it.
    static func heading(_ text: String) -> Markup {
        guard let term = Term(heading: text) else { return Markup(text) }
        return .element("button", ["type": "button", "class": "term", "popovertarget": term.id], Markup(text))
    }

    /// Of the terms that some content has buttons for, what they open.
    static func meanings(in content: Markup) -> Markup {
        let opened = Term.allCases.filter { content.html.contains("popovertarget=\"\($0.id)\"") }
        return Markup(
            opened.map { term in
                let name = Markup.element("dfn", [:], Markup(term.name))
                return .element(
                    "p", ["id": term.id, "class": "meaning", "popover": ""], [name, ": ", Markup(term.meaning)])
            })
    }

    // MARK: Legends

    /// Each class of the style sheet with what it stands for.
    static func legend(_ entries: [(style: String, title: String)]) -> Markup {
        .element(
            "ul", ["class": "legend"],
            Markup(entries.map { .element("li", [:], [key($0.style), heading($0.title)]) }))
    }

    static func key(_ style: String) -> Markup {
        .element(
            "svg", ["class": "key", "width": "14", "height": "14", "aria-hidden": "true"],
            .rectangle(style, x: "0", y: 0, width: "14", height: 14))
    }
}

extension Term {
    /// Of the element on a page that tells what it means.
    fileprivate var id: String { "term-" + name.map { $0.isLetter ? String($0) : "-" }.joined() }
}
