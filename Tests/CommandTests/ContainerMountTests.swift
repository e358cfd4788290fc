// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The command where /dev/shm, /sys and /proc are not as usual.
struct ContainerMountTests {
    @Test(
        "doctor says when /dev/shm cannot be used, as the runs that need it find", .enabled(if: Mounts.arePossible),
        arguments: [
            ("mount -t tmpfs -o ro tmpfs /dev/shm", "EROFS"),
            ("mount -t tmpfs -o size=16k tmpfs /dev/shm && head -c 16384 /dev/zero > /dev/shm/full", "ENOSPC"),
            ("mount -t tmpfs -o nr_inodes=1 tmpfs /dev/shm", "ENOSPC"),
            ("mount --bind /proc /dev/shm", "/dev/shm cannot be used"),
        ])
    func unusable(set: String, reason: String) throws {
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
        #expect(doctor.code == 0)
        #expect(doctor.output.contains(reason), "\(doctor.output)")
        #expect(doctor.output.contains("/dev/shm cannot be used: "))
        #expect(doctor.output.contains(": --transport processes, sockets and unix ("))
        for transport in ["processes", "sockets", "unix"] {
            let run = try Command.run(["run", "--transport", transport] + tiny, through: Mounts.launcher(set))
            #expect(run.code == 70 || run.code == 64, "\(run.errors)")
            #expect(run.errorLines.count == 1 && run.errors.contains("/dev/shm"))
        }
        #expect(try Command.run(["run"] + tiny, through: Mounts.launcher(set)).code == 0)
    }

    @Test(
        "a /dev/shm that works is not warned of, though nothing may be executed there", .enabled(if: Mounts.arePossible)
    )
    func usable() throws {
        for set in ["mount -t tmpfs -o noexec,nodev tmpfs /dev/shm", "mount -t tmpfs -o size=0 tmpfs /dev/shm"] {
            let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
            #expect(!doctor.output.contains("warning: /dev/shm"), "\(set): \(doctor.output)")
            let run = try Command.run(["run", "--transport", "processes"] + tiny, through: Mounts.launcher(set))
            #expect(run.code == 0, "\(set): \(run.errors)")
        }
    }

    @Test(
        "a /dev/shm that has room for few files is told of before a run, and by one that fails for it",
        .enabled(if: Mounts.arePossible))
    func fewFiles() throws {
        // The mount's own folder is one of the two.
        let set = "mount -t tmpfs -o size=128m,nr_inodes=2 tmpfs /dev/shm"
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
        let left = "/dev/shm has 128 MiB and room for 1 more file left"
        #expect(doctor.output.contains("warning: \(left), and a run takes a file for each rank"), "\(doctor.output)")
        let run = try Command.run(["run", "--transport", "processes"] + tiny, through: Mounts.launcher(set))
        #expect(run.code == 70 && run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.contains("ENOSPC (No space left on device); /dev/shm has 128 MiB and room for"))
    }

    @Test(
        "a /dev/shm of less than 64 MiB is warned of, and a run that does not fit is refused with both sizes",
        .enabled(if: Mounts.arePossible))
    func small() throws {
        func set(_ size: String) -> [String] { Mounts.launcher("mount -t tmpfs -o size=\(size) tmpfs /dev/shm") }
        let doctor = try Command.run(["doctor"], through: set("2m"))
        #expect(
            doctor.output.contains(
                "\nwarning: /dev/shm has 2.0 MiB left: --transport processes may not fit its rings (docker run --shm-size=1g)"
            ), "\(doctor.output)")
        #expect(!(try Command.run(["doctor"], through: set("64m")).output.contains("warning: /dev/shm")))
        #expect(try Command.run(["doctor"], through: set("65532k")).output.contains("warning: /dev/shm has "))
        // Four slots of a forward and four of a backward at least, each of 2 MiB.
        let large = ["run", "--transport", "processes", "--dim", "1024", "--seq-len", "256", "--measure", "1"]
        let run = try Command.run(large, through: set("2m"))
        #expect(run.code == 64 && run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.hasPrefix("ppthreads run: --transport: processes needs "))
        #expect(
            run.errors.hasSuffix(
                " MiB of /dev/shm, which has 2.0 MiB left: give it more (docker run --shm-size=1g), or take threads\n"))
    }

    @Test("a /dev/shm in which this user may make no file is told of", .enabled(if: Mounts.otherUserIsPossible))
    func forbidden() throws {
        let set = "mount -t tmpfs -o mode=700 tmpfs /dev/shm"
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set, asOtherUser: true))
        #expect(doctor.output.contains("warning: /dev/shm cannot be used: "), "\(doctor.output)")
        #expect(doctor.output.contains("EACCES"))
    }

    @Test("what the system does not say is unknown", .enabled(if: Mounts.arePossible))
    func unknown() throws {
        let set =
            "mount -t tmpfs tmpfs /sys && mount --bind /dev/null /proc/meminfo && mount --bind /dev/null /proc/cpuinfo"
            + " && mount --bind /dev/null /proc/$$/limits && mount --bind /dev/null /proc/$$/cgroup"
        let doctor = try Command.run(["doctor"], through: Mounts.launcher(set))
        #expect(doctor.code == 0 && doctor.errors.isEmpty)
        for name in [
            "CPU model", "cores", "NUMA nodes", "caches", "memory", "locked memory", "open files", "huge pages",
        ] {
            let line = doctor.output.split(separator: "\n").first { $0.hasPrefix(name) }
            #expect(line?.dropFirst(name.count).drop { $0 == " " }.hasPrefix("unknown") == true, "\(line ?? "")")
        }
        #expect(try Command.run(["run"] + tiny, through: Mounts.launcher(set)).code == 0)
    }
}

/// A mount namespace of its own for a command.
private enum Mounts {
    /// - Parameter set: shell commands that mount what the command is to find.
    static func launcher(_ set: String, asOtherUser: Bool = false) -> [String] {
        let user = getuid() == 0 ? [] : ["--map-root-user"]
        let change = asOtherUser ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : ""
        return ["/usr/bin/unshare"] + user + ["--mount", "/bin/sh", "-c", "\(set) && exec \(change)\"$0\" \"$@\""]
    }

    /// Some containers allow no namespaces.
    static let arePossible = (try? Command.run(["--version"], through: launcher("true")).code) == 0
    static let otherUserIsPossible =
        (try? Command.run(["--version"], through: launcher("true", asOtherUser: true)).code) == 0
}
