// SPDX-License-Identifier: Apache-2.0

/// What one run measured.
public struct RunSample: Sendable {
    /// Tokens of a step over the mean measured step.
    public let tokensPerSecond: Double
    /// The mean measured step.
    public let stepSeconds: Double
    /// The measured steps together.
    public let totalSeconds: Double?
    /// The mean step's terms; nil where the CSV has none.
    public let breakdown: Breakdown?
    /// How much others disturbed it; nil where the CSV does not tell.
    public let disturbance: Disturbance?
    /// The part of the measured time of the ranks' CPUs for which a quota stopped them; nil where the CSV does not tell.
    public let throttledShare: Double?

    /// Which of the runs with the same settings it is.
    let repetition: Int32
    /// When it was run, for comparison with others of the same file.
    let time: Double
}
