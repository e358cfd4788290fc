// SPDX-License-Identifier: Apache-2.0

/// A value of a results column, as it was in the run.
public enum ResultValue: Encodable, Sendable {
    case text(String)
    case count(Int)
    case number(Double)
    case single(Float)
    case truth(Bool)

    /// As a CSV has it, before it is put in quotes.
    var text: String {
        switch self {
        case .text(let value): value
        case .count(let value): String(value)
        case .number(let value): String(value)
        case .single(let value): String(value)
        case .truth(let value): String(value)
        }
    }

    /// As JSON has it: a string, a number, or true or false.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .count(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .single(let value): try container.encode(value)
        case .truth(let value): try container.encode(value)
        }
    }
}
