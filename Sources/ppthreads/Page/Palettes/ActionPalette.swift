// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// The colours of what ranks do, with those of the numbers that stand on them; and that of what they hold meanwhile.
///
/// Forwards are dark and the two halves of a backward light, so that colour-blind readers can tell all of them apart.
package enum ActionPalette {
    /// The class of what is in flight.
    static let inFlight = "in-flight"

    package static let colours = Palette(
        property: "fill", colours: RankTask.Kind.allCases.map(colour) + [Palette.Colour(inFlight, "#7fb3a3")])

    private static let (black, white) = ("#111111", "#ffffff")

    private static func colour(_ kind: RankTask.Kind) -> Palette.Colour {
        let style = kind.rawValue
        return switch kind {
        case .forward: Palette.Colour(style, "#2f4b9c", dark: "#4d70c6", ink: white)
        case .backward: Palette.Colour(style, "#b4530a", ink: white)
        case .backwardInput: Palette.Colour(style, "#c4ad2e", ink: black)
        case .backwardWeights: Palette.Colour(style, "#bba0e6", ink: black)
        case .packing: Palette.Colour(style, "#8c8c8c", ink: black)
        case .reduction: Palette.Colour(style, "#a8426b", ink: white)
        case .update: Palette.Colour(style, "#0b7a75", ink: white)
        }
    }
}
