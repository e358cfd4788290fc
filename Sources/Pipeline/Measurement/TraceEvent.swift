/// An event of a trace, as the Trace Event Format has it (its JSON object form).
struct TraceEvent: Encodable {
    /// What it is: `X` a bar of a track, `s` and `f` the ends of an arrow, `C` a counter, `M` a name.
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
    var name: String?
    var cat: String?
    var args: Arguments?

    struct Arguments: Encodable {
        /// A track's.
        var name: String?
        var step: Int?
        var stage: Int?
        var microbatch: Int?
        var cpuUs: Double?
        /// How the wait for the input went.
        var input: String?
        /// A counter's value, under its unit.
        var bytes: Int?
        var items: Int?

        enum CodingKeys: String, CodingKey {
            case name, step, stage, microbatch, input, bytes, items
            case cpuUs = "cpu_us"
        }
    }
}
