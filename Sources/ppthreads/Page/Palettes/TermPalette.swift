// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// The colours of a step's terms: Okabe and Ito's, which colour-blind readers can tell apart.
package enum TermPalette {
    package static let colours = Palette(
        property: "fill", colours: Breakdown.Term.allCases.map { Palette.Colour($0.rawValue, fill($0)) })

    private static func fill(_ term: Breakdown.Term) -> String {
        switch term {
        case .work: "#0072b2"
        case .imbalance: "#e69f00"
        case .bubble: "#56b4e9"
        case .oversubscription: "#cc79a7"
        case .transport: "#d55e00"
        case .reduction: "#7a4b2a"
        case .optimizer: "#009e73"
        }
    }
}
