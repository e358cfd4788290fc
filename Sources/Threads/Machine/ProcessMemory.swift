// SPDX-License-Identifier: Apache-2.0

/// The memory that a process holds, as the kernel counts it: pages that several processes map count in equal parts with each
/// (PSS), so that processes add up to what they take together.
///
/// Page tables, buffers of sockets and whatever else the kernel keeps for a process are not in it.
public struct ProcessMemory: Codable, Equatable, Sendable {
    /// All pages.
    public let bytes: Int
    /// Of these, the pages of files on a disk: of the program and its libraries. Any program on the machine that maps them
    /// has its part.
    public let codeBytes: Int
    /// The same pages, each counted whole.
    public let codeBytesWhole: Int

    /// With these values; nothing is asked of the system.
    public init(bytes: Int, codeBytes: Int, codeBytesWhole: Int) {
        (self.bytes, self.codeBytes, self.codeBytesWhole) = (bytes, codeBytes, codeBytesWhole)
    }

    /// What does not lie in files of the program: heap, stacks, data, and all that was mapped for a run.
    public var otherBytes: Int { bytes - codeBytes }

    /// Of a process, by its number, or of the calling one: nil where the kernel does not tell, as before 4.14 and in gVisor.
    /// Goes over all of its pages.
    ///
    /// - Parameters:
    ///   - process: its number; the calling one unless given.
    ///   - root: the folder that `/proc` is in.
    public init?(ofProcess process: Int32? = nil, root: String = "") {
        let text = KeyedText(TextFile.text("\(root)/proc/\(process.map(String.init) ?? "self")/smaps_rollup"))
        guard let bytes = text.bytes("Pss"), let resident = text.bytes("Rss"), let anonymous = text.bytes("Anonymous")
        else { return nil }
        // Kernels before 5.4 do not tell files apart.
        let code = min(bytes, text.bytes("Pss_File") ?? max(0, bytes - anonymous))
        self.init(
            bytes: bytes, codeBytes: code,
            codeBytesWhole: max(code, resident - anonymous - (text.bytes("Pss_Shmem") ?? 0)))
    }
}
