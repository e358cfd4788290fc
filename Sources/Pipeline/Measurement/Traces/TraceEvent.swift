// SPDX-License-Identifier: Apache-2.0

/// An event of a trace, as the Trace Event Format has it (its JSON object form).
struct TraceEvent: Encodable {
    /// What it is: `X` a bar of a track, `s` and `f` the ends of an arrow, `C` a counter, `i` a moment, `M` a name.
    let ph: String
    let pid = 0
    /// The track: a rank.
    var tid: Int?
    /// In microseconds.
    var ts: Double?
    var dur: Double?
    /// An arrow's.
    var id: String?
    /// `e` where an arrow ends at the bar around it.
    var bp: String?
    /// `g` for a moment that counts for all tracks.
    var s: String?
    var name: String?
    var cat: String?
    var args: Arguments?

    struct Arguments: Encodable {
        /// A track's.
        var name: String?
        var step: Int?
        var stage: Int?
        var microbatch: Int?
        /// Which of its rank's tasks it is, in their order, from 0.
        var task: Int?
        /// The moments around the bar, on the scale of `ts`.
        var beginUs: Double?
        var receivedUs: Double?
        var sentUs: Double?
        /// In microseconds, as `TaskTimes` has them.
        var cpuUs: Double?
        var lostBeforeUs: Double?
        var lostWaitingUs: Double?
        var lostWorkingUs: Double?
        var lostFinishingUs: Double?
        /// A step's terms, in microseconds.
        var workUs: Double?
        var imbalanceUs: Double?
        var bubbleUs: Double?
        var oversubscriptionUs: Double?
        var transportUs: Double?
        var reductionUs: Double?
        var optimizerUs: Double?
        /// How the waits for the input and for room went.
        var input: String?
        var room: String?
        /// A counter's value, under its unit.
        var bytes: Int?
        var items: Int?

        enum CodingKeys: String, CodingKey {
            case name, step, stage, microbatch, task, input, room, bytes, items
            case beginUs = "begin_us"
            case receivedUs = "received_us"
            case sentUs = "sent_us"
            case cpuUs = "cpu_us"
            case lostBeforeUs = "lost_before_us"
            case lostWaitingUs = "lost_waiting_us"
            case lostWorkingUs = "lost_working_us"
            case lostFinishingUs = "lost_finishing_us"
            case workUs = "work_us"
            case imbalanceUs = "imbalance_us"
            case bubbleUs = "bubble_us"
            case oversubscriptionUs = "oversubscription_us"
            case transportUs = "transport_us"
            case reductionUs = "reduction_us"
            case optimizerUs = "optimizer_us"
        }
    }
}
