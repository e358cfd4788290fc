// SPDX-License-Identifier: Apache-2.0

extension Page {
    /// The command that repeats this, in a form that a shell takes as one word for each argument. It breaks between words, and
    /// neither inside one nor between a flag and its value.
    static func command(_ name: String, _ arguments: [String]) -> Markup {
        let groups = groups(arguments).map { $0.map(quoted).joined(separator: " ") }
        let words = (["ppthreads \(name)"] + groups).map(unbroken)
        return .element("pre", ["tabindex": "0"], .element("code", [:], joined(words)))
    }

    /// A sentence, of which no flag is broken.
    static func prose(_ text: String) -> Markup {
        joined(
            text.split(separator: " ", omittingEmptySubsequences: false).map { word in
                word.hasPrefix("--") ? unbroken(String(word)) : Markup(String(word))
            })
    }

    /// Each flag with its value, and each other word by itself.
    private static func groups(_ arguments: [String]) -> [[String]] {
        arguments.reduce(into: []) { groups, word in
            if let last = groups.last, last.count == 1, isBareFlag(last[0]), !word.hasPrefix("--") {
                groups[groups.count - 1].append(word)
            } else {
                groups.append([word])
            }
        }
    }

    private static func isBareFlag(_ word: String) -> Bool { word.hasPrefix("-") && !word.contains("=") }

    private static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && word.utf8.allSatisfy { plain.contains($0) }
        return isPlain ? word : word.quotedForShell
    }

    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:+@%".utf8)

    private static func unbroken(_ text: String) -> Markup { .element("span", ["class": "unbroken"], Markup(text)) }

    private static func joined(_ words: [Markup]) -> Markup {
        Markup(words.enumerated().map { index, word in index > 0 ? [" ", word] : word })
    }
}
