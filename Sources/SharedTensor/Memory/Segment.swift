// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// Zeroed memory from the system, unmapped when the last reference goes.
///
/// A view into it (a tensor, a ring) must not outlive it; the run that made it holds it until its ranks have ended.
// Sound: the address never changes, and what lies behind it has its own rules (rings, atomics, one owner).
@safe
public final class Segment: @unchecked Sendable {
    /// Who can see the memory, and whether it is there before it is first written to.
    public enum Backing: Sendable, Equatable {
        /// This process alone.
        case privateMemory
        /// The same, and there at once, on the NUMA node of the thread that asks for it, rather than page by page when it is
        /// first written to; in huge pages where the system gives them.
        case residentMemory
        /// Also processes forked later; from /dev/shm, in a file that nobody else can open.
        case sharedMemory
        /// Also processes forked later; not bounded by the size of /dev/shm.
        case inherited
    }

    /// What is mapped: as many as were asked for, but no fewer than 4096.
    public let bytes: Int
    private let base: UnsafeMutableRawPointer

    /// Maps `bytes` (at least one page is mapped).
    ///
    /// - Throws: `SegmentError`, with what is left of /dev/shm when that is what ran out.
    public init(bytes: Int, backing: Backing) throws(SegmentError) {
        require(bytes >= 0, "a segment of \(bytes) bytes")
        let mapped = max(bytes, 4096)
        do throws(SystemError) {
            unsafe base =
                switch backing {
                case .privateMemory: unsafe try Self.map(mapped, MAP_PRIVATE | MAP_ANONYMOUS, -1)
                case .residentMemory: unsafe try Self.mapResident(mapped)
                case .inherited: unsafe try Self.map(mapped, MAP_SHARED | MAP_ANONYMOUS, -1)
                case .sharedMemory: unsafe try Self.mapSharedMemory(mapped)
                }
        } catch {
            throw SegmentError(
                bytes: mapped, cause: error,
                space: backing == .sharedMemory && error.code == ENOSPC ? SharedMemory.space : nil)
        }
        self.bytes = mapped
    }

    /// Maps a file of shared memory that another process may map too.
    public init(_ file: SharedFile) throws(SegmentError) {
        bytes = file.bytes
        do throws(SystemError) {
            unsafe base = try Self.map(file.bytes, MAP_SHARED, file.descriptor)
        } catch {
            throw SegmentError(bytes: file.bytes, cause: error, space: nil)
        }
    }

    deinit { unsafe munmap(base, bytes) }

    /// The first byte of a region. The caller keeps the segment for as long as it uses the address.
    @unsafe
    public func address(of region: Region) -> UnsafeMutableRawPointer {
        require(region.end <= bytes, "region outside the segment")
        return unsafe base + region.offset
    }

    /// Bytes of the pages that are there, whoever has touched them; nil when the system does not tell. Looks at every page.
    public var residentBytes: Int? {
        let page = 4096
        var states = [UInt8](repeating: 0, count: 1 << 14)
        var count = 0
        for start in stride(from: 0, to: bytes, by: states.count * page) {
            let length = min(bytes - start, states.count * page)
            if unsafe mincore(base + start, length, &states) != 0 { return nil }
            count += states.prefix((length + page - 1) / page).count { $0 & 1 == 1 }
        }
        return count * page
    }

    /// A tensor in a region.
    public func tensor(_ region: Region, _ shape: Shape) -> Tensor {
        if shape.count > region.bytes / 4 { trap("tensor \(shape) does not fit its region") }
        return unsafe Tensor(at: address(of: region), shape)
    }

    /// Writes one plain value to the start of a region.
    @inline(__always)
    public func store<Value: BitwiseCopyable>(_ value: Value, in region: Region) {
        require(MemoryLayout<Value>.size <= region.bytes, "the value does not fit the region")
        unsafe address(of: region).storeBytes(of: value, as: Value.self)
    }

    /// Reads one plain value from the start of a region.
    public func load<Value: BitwiseCopyable>(from region: Region, as type: Value.Type) -> Value {
        require(MemoryLayout<Value>.size <= region.bytes, "the value does not fit the region")
        return unsafe address(of: region).loadUnaligned(as: type)
    }

    /// A copy of a region's bytes.
    public func bytes(of region: Region) -> [UInt8] {
        unsafe Array(UnsafeRawBufferPointer(start: address(of: region), count: region.bytes))
    }

    /// Overwrites a region by as many bytes.
    public func write(_ bytes: [UInt8], to region: Region) {
        require(bytes.count == region.bytes, "\(bytes.count) bytes for a region of \(region.bytes)")
        unsafe bytes.withUnsafeBytes { source in
            unsafe UnsafeMutableRawBufferPointer(start: address(of: region), count: region.bytes).copyMemory(
                from: source)
        }
    }

    private static func map(
        _ bytes: Int, _ flags: Int32, _ descriptor: Int32
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        let address = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { throw .last("mmap") }
        return unsafe address
    }

    /// In huge pages, as far as the system gives them: a weight's panels and a stash of activations then need fewer entries of
    /// the TLB than it has. They can only be asked for before a page is there, which rules out MAP_POPULATE.
    private static func mapResident(_ bytes: Int) throws(SystemError) -> UnsafeMutableRawPointer {
        let base = unsafe try map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1)
        _ = unsafe madvise(base, bytes, MADV_HUGEPAGE)  // a system that has none goes on with the others
        let populateWrite: Int32 = 23  // MADV_POPULATE_WRITE, which older headers lack, and kernels before 5.14
        if unsafe madvise(base, bytes, populateWrite) == 0 { return unsafe base }
        for page in stride(from: 0, to: bytes, by: 4096) {
            unsafe base.storeBytes(of: 0, toByteOffset: page, as: UInt8.self)
        }
        return unsafe base
    }

    private static func mapSharedMemory(_ bytes: Int) throws(SystemError) -> UnsafeMutableRawPointer {
        let file = try SharedFile(bytes: bytes)
        return unsafe try map(bytes, MAP_SHARED, file.descriptor)
    }
}

/// The system gave no memory.
public struct SegmentError: Error, Equatable, CustomStringConvertible {
    /// How many were to be mapped.
    public let bytes: Int
    /// What the system said to the call that failed.
    public let cause: SystemError
    /// What /dev/shm had left, when the segment was to come from there.
    public let space: FileSystemSpace?

    public var description: String {
        let left = (space?.left).map { "; /dev/shm has \($0) left" } ?? ""
        return "\(ByteCount(bytes)) of memory could not be mapped: \(cause)\(left)"
    }
}
