// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// Something that bounds how many tasks, which are threads and processes alike, there can be.
public struct TaskBound: Sendable, Equatable, CustomStringConvertible {
    /// Whose tasks a limit counts.
    public enum Source: Sendable, Equatable {
        /// A control group's limit, on all its tasks together: a container's.
        case group
        /// On all that a user runs on the machine.
        case user
    }

    /// Whose tasks the limit counts.
    public let source: Source
    /// How many there can be at once, those that there are included.
    public let limit: Int
    /// How many more there can be.
    public let left: Int

    /// With these values; nothing is asked of the system.
    public init(_ source: Source, limit: Int, left: Int) {
        (self.source, self.limit, self.left) = (source, limit, left)
    }

    /// `the container's limit of 100 tasks (docker run --pids-limit)`.
    public var description: String {
        let tasks = counted(limit, "task")
        return switch source {
        case .group: "the container's limit of \(tasks) (docker run --pids-limit)"
        case .user: "the user's limit of \(tasks) (ulimit -u)"
        }
    }

    /// All there are now, the tightest first. Looks at every process of the machine where the user has a limit.
    /// - Parameter root: the folder that `/proc` and `/sys` are in, and mount points are below.
    public static func all(root: String = "") -> [TaskBound] {
        (ControlGroups(root: root).taskBounds + [ofUser(root)].compactMap(\.self)).sorted { $0.left < $1.left }
    }

    /// An error of a call that makes a task, with the bound that is to blame in the call's name. Of a bound with room left
    /// nothing is said: the system refuses threads for want of memory by the same number.
    /// - Parameter root: as of `all`.
    package static func naming(_ error: SystemError, root: String = "") -> SystemError {
        guard error.code == EAGAIN, let bound = all(root: root).first, bound.left <= 0 else { return error }
        return SystemError(call: "\(error.call) beyond \(bound)", code: error.code)
    }

    // MARK: The user's

    private static func ofUser(_ root: String) -> TaskBound? {
        let status = KeyedText(TextFile.text("\(root)/proc/self/status"))
        guard let limit = Machine.limit("Max processes", in: TextFile.text("\(root)/proc/self/limits")),
            let most = Int(limit.soft), most >= 0, let user = realUser(status), !isExempt(status, root)
        else { return nil }
        return TaskBound(.user, limit: most, left: max(0, most - tasks(ofUser: user, root)))
    }

    private static func realUser(_ status: KeyedText) -> Substring? {
        status["Uid"]?.split { $0 == "\t" || $0 == " " }.first
    }

    /// The kernel lets those do as they like who are allowed to set limits or to administer the machine itself, not only a
    /// namespace of users.
    private static func isExempt(_ status: KeyedText, _ root: String) -> Bool {
        let (administer, setLimits) = (1 << 21, 1 << 24)
        let capabilities = status["CapEff"].flatMap { Int($0, radix: 16) } ?? 0
        let users = TextFile.line("\(root)/proc/self/uid_map")?.split(separator: " ")
        return capabilities & (administer | setLimits) != 0 && users == ["0", "0", "4294967295"]
    }

    private static func tasks(ofUser user: Substring, _ root: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/proc")) ?? []
        return names.filter { Int($0) != nil }.reduce(0) { count, name in
            let status = KeyedText(TextFile.text("\(root)/proc/\(name)/status"))
            return realUser(status) == user ? count &+ (status["Threads"].flatMap { Int($0) } ?? 0) : count
        }
    }
}
