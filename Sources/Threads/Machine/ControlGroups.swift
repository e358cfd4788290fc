// SPDX-License-Identifier: Apache-2.0

/// The control groups that the process is in, of version 1, version 2, or both: a container's limits are theirs.
///
/// The process's own group counts and all those around it, as far up as can be seen: the smallest limit holds.
struct ControlGroups {
    private let mounts: [Mount]
    /// For each controller of version 1, the process's group; version 2's is under "".
    private let groups: [String: String]
    private let root: String
    /// Whether all limits can be seen: the system says what is mounted where, and the groups that it names are among that.
    var areKnown: Bool { saysMounts && ["cpu", "memory", "pids"].allSatisfy(isSeen) }
    private let saysMounts: Bool

    private struct Mount {
        /// The group whose folder is mounted.
        let group: String
        let point: String
        let isVersion2: Bool
        let options: [Substring]
        /// Not a group outside of what this process may name (a control group namespace that was left without its mounts).
        var isAround: Bool { !ControlGroups.parts(group).contains("..") }
    }

    init(root: String) {
        self.root = root
        groups = Self.groups(TextFile.text("\(root)/proc/self/cgroup") ?? "")
        let mounted = TextFile.text("\(root)/proc/self/mountinfo")
        saysMounts = mounted != nil
        let lines = (mounted ?? "").split(separator: "\n")
        mounts = lines.enumerated().compactMap { index, line in
            Self.mount(line).flatMap { Self.isHidden($0.point, by: lines[(index + 1)...]) ? nil : $0 }
        }
    }

    /// The tightest.
    var cpuQuota: CPUQuota? {
        let second = folders("").map { folder in
            let words = TextFile.line("\(folder)/cpu.max")?.split(separator: " ").map { Int($0) } ?? []
            return words.count == 2 ? CPUQuota(microseconds: words[0], ofPeriod: words[1]) : nil
        }
        let first = folders("cpu").map { folder in
            CPUQuota(
                microseconds: TextFile.integer("\(folder)/cpu.cfs_quota_us"),
                ofPeriod: TextFile.integer("\(folder)/cpu.cfs_period_us"))
        }
        return (second + first).compactMap(\.self).min { $0.cpus < $1.cpus }
    }

    /// For how long quotas have stopped threads, of the own group and of those around it, all CPUs together; nil without a quota.
    var throttledSeconds: Double? {
        if cpuQuota == nil { return nil }
        func counts(_ controller: String, _ name: String, perSecond: Double) -> [Double] {
            folders(controller).compactMap { KeyedText(TextFile.text("\($0)/cpu.stat"))[name].flatMap(Double.init) }
                .map { $0 / perSecond }
        }
        let all = counts("", "throttled_usec", perSecond: 1e6) + counts("cpu", "throttled_time", perSecond: 1e9)
        return all.isEmpty ? nil : all.reduce(0, +)
    }

    /// One for each group that has a limit. Its page cache counts as available: the kernel takes that back.
    var memoryBounds: [MemoryBound] {
        let second = folders("").flatMap { folder in
            ["memory.max", "memory.high"].map { file in
                bound(
                    folder, limit: bytes("\(folder)/\(file)"), usage: "memory.current",
                    reclaimable: ["inactive_file", "active_file", "slab_reclaimable"])
            }
        }
        let first = folders("memory").flatMap { folder in
            // The second is the smallest limit of the groups around this one, those included that cannot be seen from here.
            let around = KeyedText(TextFile.text("\(folder)/memory.stat")).bytes("hierarchical_memory_limit")
            return [bytes("\(folder)/memory.limit_in_bytes"), around].map { limit in
                bound(
                    folder, limit: limit, usage: "memory.usage_in_bytes",
                    reclaimable: ["total_inactive_file", "total_active_file"])
            }
        }
        return (second + first).compactMap(\.self)
    }

    /// One for each group that has a limit.
    var taskBounds: [TaskBound] {
        (folders("") + folders("pids")).compactMap { folder in
            guard let limit = TextFile.integer("\(folder)/pids.max"), limit >= 0 else { return nil }
            let used = max(0, TextFile.integer("\(folder)/pids.current") ?? 0)
            return TaskBound(.group, limit: limit, left: max(0, limit - used))
        }
    }

    /// How many of the own group's processes the kernel has killed for want of memory.
    var memoryKills: Int? {
        let files = [
            folders("").first.map { "\($0)/memory.events" }, folders("memory").first.map { "\($0)/memory.oom_control" },
        ]
        let counts = files.compactMap { $0 }.compactMap { KeyedText(TextFile.text($0))["oom_kill"].flatMap { Int($0) } }
        return counts.isEmpty ? nil : counts.reduce(0, &+)
    }

    private func bound(_ folder: String, limit: Int?, usage: String, reclaimable: [String]) -> MemoryBound? {
        guard let limit else { return nil }
        let used = bytes("\(folder)/\(usage)") ?? 0
        let stat = KeyedText(TextFile.text("\(folder)/memory.stat"))
        let cached = min(used, reclaimable.reduce(0) { $0 + (stat.bytes($1) ?? 0) })
        return MemoryBound(.group(limitBytes: limit), availableBytes: max(0, limit - (used - cached)))
    }

    /// A file's number; nil for `max`, for the number that version 1 has for it, and for anything else.
    private func bytes(_ path: String) -> Int? {
        TextFile.integer(path).flatMap { $0 >= 0 && $0 < KeyedText.bytesMax ? $0 : nil }
    }

    // MARK: Where groups are

    /// Whether the group that a controller of version 1 is in is mounted, or version 2's that has the controller; a system
    /// that names neither has none.
    private func isSeen(_ controller: String) -> Bool {
        if groups[controller] != nil {
            return mounts.contains { $0.options.contains { $0 == controller } && $0.isAround }
        }
        return groups[""] == nil || mounts.contains { $0.isVersion2 && $0.isAround }
    }

    /// Whether something was mounted over a mount point, or over a folder that it is in.
    private static func isHidden(_ point: String, by later: ArraySlice<Substring>) -> Bool {
        later.contains { line in
            guard let other = MountInfo.point(of: line) else { return false }
            return point == other || point.hasPrefix(other == "/" ? other : "\(other)/")
        }
    }

    /// The folders of the process's group and of those around it, innermost first, up to the mount. Inside a container the
    /// group may be named as it is outside, and not be below the mount: then the mount is the best that there is.
    private func folders(_ controller: String) -> [String] {
        let all = mounts.filter { controller == "" ? $0.isVersion2 : $0.options.contains { $0 == controller } }
        let group = Self.parts(groups[controller] ?? "/")
        let below = all.first { group.starts(with: Self.parts($0.group)) }
        guard let mount = below ?? all.first else { return [] }
        var path = below == nil ? [] : group.dropFirst(Self.parts(mount.group).count)
        if path.contains("..") { path = [] }
        return (0...path.count).reversed().map { count in
            "\(root)\(mount.point)" + path.prefix(count).map { "/\($0)" }.joined()
        }
    }

    fileprivate static func parts(_ path: String) -> [Substring] { path.split(separator: "/") }

    /// Lines such as `4:cpu,cpuacct:/docker/0123`, and `0::/docker/0123` for version 2.
    private static func groups(_ text: String) -> [String: String] {
        var groups: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                groups[String(controller)] = String(fields[2])
            }
        }
        return groups
    }

    /// A line of /proc/self/mountinfo: number, parent, device, root, mount point, ..., `-`, type, source, options.
    private static func mount(_ line: Substring) -> Mount? {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), dash > 4, fields.count > dash + 1,
            fields[dash + 1] == "cgroup" || fields[dash + 1] == "cgroup2"
        else { return nil }
        return Mount(
            group: MountInfo.unescaped(fields[3]), point: MountInfo.unescaped(fields[4]),
            isVersion2: fields[dash + 1] == "cgroup2",
            options: fields.count > dash + 3 ? fields[dash + 3].split(separator: ",") : [])
    }
}
