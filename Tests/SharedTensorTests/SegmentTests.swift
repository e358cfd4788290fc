// SPDX-License-Identifier: Apache-2.0

import Foundation
import SharedTensor
import Testing
import Threads

struct SegmentTests {
    @Test("regions follow each other, aligned, without overlap") func layout() {
        var layout = SegmentLayout()
        let regions = [layout.reserve(bytes: 1), layout.reserve(Shape(17)), layout.reserve(bytes: 8, alignment: 4096)]
        #expect(
            regions == [Region(offset: 0, bytes: 1), Region(offset: 64, bytes: 128), Region(offset: 4096, bytes: 8)])
        #expect(layout.bytes == 4104)
        #expect(layout.stride == 4160)
        let copies = layout.reserve(layout, count: 3)
        #expect(copies == Region(offset: 4160, bytes: 3 * 4160))
    }

    @Test(
        "sizes beyond any machine are remembered, not trapped on",
        arguments: [Shape(1 << 62, 1 << 62), Shape(1 << 45), Shape(1 << 32, 1 << 31)])
    func tooLarge(shape: Shape) {
        var layout = SegmentLayout()
        _ = layout.reserve(shape)
        #expect(layout.isTooLarge)
        var outer = SegmentLayout()
        _ = outer.reserve(layout, count: 2)
        #expect(outer.isTooLarge)
        var many = SegmentLayout()
        var one = SegmentLayout()
        _ = one.reserve(bytes: 1 << 40)
        _ = many.reserve(one, count: 1 << 40)
        #expect(many.isTooLarge)
    }

    @Test("regions that are too large together are remembered too") func tooLargeTogether() {
        var layout = SegmentLayout()
        for _ in 0..<2 { _ = layout.reserve(bytes: SegmentLayout.bytesMax / 2) }
        #expect(!layout.isTooLarge)
        _ = layout.reserve(bytes: 64)
        #expect(layout.isTooLarge)
    }

    @Test("a segment's memory goes with it") func unmapped() throws {
        func pages() -> Int { Int(TextFile.text("/proc/self/statm")?.split(separator: " ").first ?? "") ?? 0 }
        let before = pages()
        for _ in 0..<100 { _ = try Segment(bytes: 64 << 20, backing: .privateMemory) }
        #expect(before > 0 && pages() - before < (3 << 30) / 4096)
    }

    @Test("memory that could not be had is blamed on /dev/shm where it was to come from there alone") func blame() {
        #expect {
            _ = try Segment(bytes: 1 << 47, backing: .privateMemory)
        } throws: { error in
            (error as? SegmentError)?.space == nil
                && "\(error)".hasPrefix("128 TiB of memory could not be mapped: mmap")
        }
    }

    @Test("pages that are there are counted: all of resident memory, else those that were touched, beyond one look too")
    func residentBytes() throws {
        #expect(try Segment(bytes: 5 * 4096 + 1, backing: .residentMemory).residentBytes == 6 * 4096)
        let pages = 40_000
        let segment = try Segment(bytes: pages * 4096, backing: .privateMemory)
        #expect(segment.residentBytes == 0)
        let touched = [0, 1, 16383, 16384, pages - 1]
        for page in touched { segment.store(UInt8(1), in: Region(offset: page * 4096 + 7, bytes: 1)) }
        #expect(segment.residentBytes! >= touched.count * 4096)
        // Where the system gives huge pages unasked, each page that is touched may be one.
        #expect(segment.residentBytes! <= 4 << 21)
    }

    @Test("resident memory is there before anybody writes to it, other private memory is not") func resident() throws {
        let bytes = 64 * 4096
        for (backing, resident) in [(Segment.Backing.residentMemory, 64), (.privateMemory, 0)] {
            let segment = try Segment(bytes: bytes, backing: backing)
            var pages = [UInt8](repeating: 0, count: 64)
            let address = unsafe segment.address(of: Region(offset: 0, bytes: bytes))
            #expect(unsafe mincore(address, bytes, &pages) == 0)
            #expect(pages.count { $0 & 1 == 1 } == resident)
        }
    }

    @Test("resident memory asks for huge pages where there are any") func huge() throws {
        let hasHugePages = TextFile.text("/sys/kernel/mm/transparent_hugepage/enabled") != nil
        for (backing, asks) in [(Segment.Backing.residentMemory, true), (.inherited, false)] {
            let segment = try Segment(bytes: 4 << 20, backing: backing)
            let address = unsafe UInt(bitPattern: segment.address(of: Region(offset: 0, bytes: 1)))
            let lines = try #require(TextFile.text("/proc/self/smaps")).split(separator: "\n")
            // Neighbouring mappings of one kind are shown as one, so that its start may lie before the segment's.
            let mapping = lines.lastIndex { line in
                let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
                return ends.count == 2 && ends[0] <= address && address < ends[1]
            }
            let flags = try lines[#require(mapping)...].first { $0.hasPrefix("VmFlags:") } ?? ""
            #expect(flags.split(separator: " ").contains("hg") == (asks && hasHugePages))
        }
    }

    @Test(
        "memory comes zeroed, is writable to its end, and is gone with the segment",
        arguments: [Segment.Backing.privateMemory, .residentMemory, .sharedMemory, .inherited])
    func memory(backing: Segment.Backing) throws {
        var layout = SegmentLayout()
        _ = layout.reserve(bytes: 100)
        let region = layout.reserve(Shape(3, 5))
        let segment = try Segment(bytes: layout.bytes, backing: backing)
        let tensor = segment.tensor(region, Shape(3, 5))
        #expect(tensor.values == Array(repeating: 0, count: 15))
        tensor.fill(2)
        #expect(segment.tensor(region, Shape(15)).values == Array(repeating: 2, count: 15))
    }

    @Test("shared memory is in /dev/shm, in a file that never had a name") func unnamed() throws {
        let segment = try Segment(bytes: 1 << 20, backing: .sharedMemory)
        let address = unsafe UInt(bitPattern: segment.address(of: Region(offset: 0, bytes: 1)))
        let maps = try #require(TextFile.text("/proc/self/maps")).split(separator: "\n")
        let mapping = try #require(maps.first { $0.hasPrefix(String(address, radix: 16) + "-") })
        // The kernel writes the number of a file that was made without a name, else the name that it had.
        #expect(mapping.contains(" /dev/shm/#") && mapping.hasSuffix(" (deleted)"))
    }

    @Test("a file for shared memory has no name and is its owner's alone", arguments: [true, false])
    func file(unnamed: Bool) throws {
        let descriptor = try unnamed ? SharedMemory.unnamedFile() : SharedMemory.unlinkedFile()
        defer { close(descriptor) }
        var status = stat()
        #expect(unsafe fstat(descriptor, &status) == 0)
        #expect(status.st_nlink == 0 && status.st_size == 0)
        #expect(status.st_mode == S_IFREG | 0o600)
    }

    @Test("more than /dev/shm holds is refused, with what it has left") func noRoom() throws {
        let tooMuch = try #require(SharedMemory.space?.totalBytes) + (1 << 30)
        #expect {
            try Segment(bytes: tooMuch, backing: .sharedMemory)
        } throws: { error in
            let text = "\(error)"
            return text.contains("posix_fallocate") && text.contains("ENOSPC") && text.contains("/dev/shm has")
        }
    }

    @Test("a region outside its segment traps") func outside() async {
        await #expect(processExitsWith: .failure) {
            let segment = try Segment(bytes: 4096, backing: .privateMemory)
            _ = segment.tensor(Region(offset: 4090, bytes: 64), Shape(16))
        }
    }

    @Test(
        "byte counts are written as people read them",
        arguments: [
            (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (122_880, "120 KiB"), (1_572_864, "1.5 MiB"),
        ])
    func byteCounts(bytes: Int, text: String) { #expect(ByteCount(bytes).description == text) }

    @Test("shapes count, fold and print their dimensions") func shapes() {
        let shape = Shape(2, 3, 5, 7)
        #expect(shape.count == 210 && shape.rows == 30 && shape.columns == 7)
        #expect(shape.description == "[2, 3, 5, 7]")
        #expect(Shape(4).rows == 1 && Shape(4).columns == 4)
        #expect(Shape(2, 3) != Shape(6) && Shape(2, 3) == Shape(2, 3))
        #expect(Shape(1 << 40, 1 << 40).checkedCount == nil)
    }
}
