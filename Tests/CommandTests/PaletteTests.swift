// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import ppthreads

@Suite("palettes") struct PaletteTests {
    private static let terms = TermPalette.colours.colours
    private static let actions = ActionPalette.colours.colours
    private static let schedules = SchedulePalette.colours.colours

    enum Theme: CaseIterable {
        case light, dark

        func colour(_ colour: Palette.Colour) -> Colour { Colour(self == .light ? colour.light : colour.dark) }
        var surface: Colour { Colour(self == .light ? Palette.surface.light : Palette.surface.dark) }
    }

    @Test("each term, kind of task and schedule has a colour, one stage one and other schedules one") func whole() {
        #expect(Self.terms.map(\.style) == Breakdown.Term.allCases.map(\.rawValue))
        #expect(Set(Self.actions.map(\.style)).isSuperset(of: RankTask.Kind.allCases.map(\.rawValue)))
        let named = (ScheduleKind.allCases + [nil]).map { SchedulePalette.style($0) }
        #expect(Self.schedules.map(\.style) == named + [SchedulePalette.oneStage])
    }

    @Test("no two colours are alike, least of all a schedule's, a term's and an action's", arguments: Theme.allCases)
    func apart(theme: Theme) {
        let all = Self.terms + Self.actions + Self.schedules
        for (index, a) in all.enumerated() {
            for b in all[..<index] {
                let distance = theme.colour(a).distance(to: theme.colour(b))
                #expect(distance > 0.05, "\(a.style) and \(b.style) are \(distance) apart")
            }
        }
    }

    @Test(
        "areas stand out from the page, lines and points more, and numbers from what they stand on",
        arguments: Theme.allCases)
    func seen(theme: Theme) {
        for colour in Self.terms + Self.actions {
            #expect(theme.colour(colour).contrast(to: theme.surface) > 2, "\(colour.style)")
        }
        for colour in Self.schedules {
            #expect(theme.colour(colour).contrast(to: theme.surface) > 3, "\(colour.style)")
        }
        for kind in RankTask.Kind.allCases {
            let colour = Self.actions.first { $0.style == kind.rawValue }!
            let contrast = colour.ink.map { Colour($0).contrast(to: theme.colour(colour)) }
            #expect(contrast ?? 0 >= 4.5, "a number on \(colour.style)")
        }
    }
}
