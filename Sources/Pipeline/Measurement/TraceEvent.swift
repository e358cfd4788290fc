import FoundationEssentials

/// An event of a trace, as the Trace Event Format has it (its JSON object form): what `ChromeTrace` writes and `TraceFile` reads.
///
/// Numbers are read as any, so that one that is too large is the event's fault and not the file's.
struct TraceEvent: Codable {
    /// What it is: `X` a bar of a track, `s` and `f` the ends of an arrow, `C` a counter, `M` a name.
    let ph: String
    var pid: Double? = 0
    /// The track: a rank.
    var tid: Double?
    /// In microseconds.
    var ts: Double?
    var dur: Double?
    /// An arrow's.
    var id: String?
    /// `e` where an arrow ends at the bar around it.
    var bp: String?
    var name: String?
    var cat: String?
    var args: Arguments?

    struct Arguments: Codable {
        /// A track's.
        var name: String?
        var step: Double?
        var stage: Double?
        var microbatch: Double?
        var cpuUs: Double?
        /// How the wait for the input went.
        var input: String?
        /// A counter's value, under its unit.
        var bytes: Double?
        var items: Double?

        enum CodingKeys: String, CodingKey {
            case name, step, stage, microbatch, input, bytes, items
            case cpuUs = "cpu_us"
        }
    }
}
