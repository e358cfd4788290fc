import Threads

/// What a figure depends on besides its settings.
enum Machine {
    static var host: String { TextFile.line("/proc/sys/kernel/hostname") ?? "" }

    /// As the kernel calls the first CPU; nil where it has no name for it.
    static var cpuModel: String? {
        let lines = TextFile.text("/proc/cpuinfo")?.split(separator: "\n") ?? []
        guard let line = lines.first(where: { $0.hasPrefix("model name") }),
            let value = line.split(separator: ":", maxSplits: 1).last
        else { return nil }
        return String(value.drop { $0 == " " })
    }

    /// CPUs that this program may use; nil when the system does not say.
    static var cpus: Int? { (try? CPUSet.allowed())?.count }
}
