// SPDX-License-Identifier: Apache-2.0

/// Formats of files that lie about where people train, and are neither tokens nor a checkpoint as ppthreads reads them.
enum KnownFormat: Equatable {
    /// With what its header says of its elements, where that is simple.
    case numpy(NumPyHeader?)
    case zip, torchZip, numpyZip
    case pickle, torchLegacy, safetensors, gguf, onnx, hdf5
    case gzip, bzip2, xz, zstd, sevenZip, tar
    case parquet, arrow, sqlite, megatronIndex
    case png, jpeg, pdf, elf
    /// llm.c's weights, states, tokenizers and evaluation sets, which have headers like its tokens'.
    case llmcOther

    /// Bytes of a file's start that are looked at.
    private static let headBytes = 1024

    static func head(of file: ReadableFile) throws(DataError) -> [UInt8] {
        try file.bytes(0..<min(file.size, headBytes))
    }

    /// What a file that starts like this must be; nil for what may be anything.
    init?(_ head: [UInt8], fileBytes: Int) {
        if let format = Self.signatures.first(where: { head.starts(with: $0.bytes) })?.format {
            self = format
        } else if head.starts(with: NumPyHeader.magic) {
            self = .numpy(NumPyHeader(head))
        } else if head.starts(with: "PK\u{03}\u{04}".utf8) {
            self = head.contains("data.pkl") ? .torchZip : head.contains(".npy") ? .numpyZip : .zip
        } else if SafetensorsHeader.begins(head, fileBytes: fileBytes) {
            self = .safetensors
        } else if let format = Self.withLooseSignature(head, fileBytes) {
            self = format
        } else {
            return nil
        }
    }

    private static let signatures: [(bytes: [UInt8], format: KnownFormat)] = [
        // A pickle of protocol 2 that holds the number by which torch.load knows its older files.
        ([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9], .torchLegacy),
        ([0x1F, 0x8B, 0x08], .gzip),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz),
        ([0x28, 0xB5, 0x2F, 0xFD], .zstd),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZip),
        (Array("ARROW1\0\0".utf8), .arrow),
        (Array("SQLite format 3\0".utf8), .sqlite),
        (Array("MMIDIDX\0\0".utf8), .megatronIndex),
        ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .hdf5),
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], .png),
        ([0xFF, 0xD8, 0xFF], .jpeg),
        (Array("%PDF-".utf8), .pdf),
        ([0x7F, 0x45, 0x4C, 0x46], .elf),
    ]

    /// Signatures so short, or so much like text or tokens, that something else has to hold besides.
    private static func withLooseSignature(_ head: [UInt8], _ fileBytes: Int) -> KnownFormat? {
        guard head.count >= 16 else { return nil }
        if head.starts(with: "BZh".utf8) && head[4..<10].elementsEqual([0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
            return .bzip2
        }
        if head.starts(with: "PAR1".utf8) && head.contains(0) { return .parquet }
        if head.starts(with: "GGUF".utf8) && head[4] < 16 && head[5..<8].allSatisfy({ $0 == 0 }) { return .gguf }
        if head.count >= 264 && head[257..<262].elementsEqual("ustar".utf8) && head[..<257].contains(0) { return .tar }
        if head.littleEndian(UInt32.self, at: 0) == .max && head[8] < 64 && head[9..<12].allSatisfy({ $0 == 0 }),
            (8...UInt32(clamping: fileBytes)).contains(head.littleEndian(UInt32.self, at: 4))
        {
            return .arrow
        }
        if (20_240_326...20_240_328).contains(head.littleEndian(UInt32.self, at: 0))
            || head.littleEndian(UInt32.self, at: 0) == 20_240_522
        {
            return .llmcOther
        }
        if isPickle(head, fileBytes) { return .pickle }
        return isONNX(head) ? .onnx : nil
    }

    /// Protocol 4 and 5 start with a frame of a length that the file has room for, 2 and 3 with a container or a name.
    private static func isPickle(_ head: [UInt8], _ fileBytes: Int) -> Bool {
        guard head[0] == 0x80 else { return false }
        switch head[1] {
        case 4, 5:
            return head[2] == 0x95 && fileBytes >= 11
                && head.littleEndian(UInt64.self, at: 3) <= UInt64(fileBytes - 11)
        case 2, 3: return head[2] == UInt8(ascii: "c") || "}]()".utf8.contains(head[2]) && head[3] == UInt8(ascii: "q")
        default: return false
        }
    }

    /// A protobuf with the version of its format, then the name of the program that wrote it.
    private static func isONNX(_ head: [UInt8]) -> Bool {
        guard head[0] == 8, (3..<32).contains(head[1]), head[2] == 0x12, (2..<64).contains(head[3]) else {
            return false
        }
        let name = head.dropFirst(4).prefix(Int(head[3]))
        return name.count == Int(head[3]) && name.allSatisfy { (0x20..<0x7F).contains($0) }
    }
}

extension KnownFormat {
    /// With its article, as a sentence names it.
    var name: String {
        switch self {
        case .numpy(let header): "a NumPy file\(header.map { " (\($0.dtype), shape \($0.shape))" } ?? "")"
        case .zip: "a zip"
        case .torchZip: "a zip (PyTorch)"
        case .numpyZip: "a zip (NumPy)"
        case .pickle: "a Python pickle"
        case .torchLegacy: "a pickle (PyTorch)"
        case .safetensors: "a safetensors file"
        case .gguf: "a GGUF file"
        case .onnx: "an ONNX file"
        case .hdf5: "an HDF5 file"
        case .gzip: "a gzip file"
        case .bzip2: "a bzip2 file"
        case .xz: "an xz file"
        case .zstd: "a zstd file"
        case .sevenZip: "a 7z archive"
        case .tar: "a tar archive"
        case .parquet: "a Parquet file"
        case .arrow: "an Arrow file"
        case .sqlite: "an SQLite database"
        case .megatronIndex: "an index of Megatron's"
        case .png: "a PNG image"
        case .jpeg: "a JPEG image"
        case .pdf: "a PDF"
        case .elf: "a program or library (ELF)"
        case .llmcOther: "one of llm.c's files, but not one of tokens"
        }
    }

    /// What to do to train on such a file.
    func makingTokens(_ path: String) -> String {
        switch self {
        case .numpy(let header?): header.makingTokens(path)
        case .gzip, .bzip2, .xz, .zstd, .zip, .sevenZip, .tar: "unpack it first"
        case .safetensors, .torchZip, .torchLegacy, .gguf, .onnx: "weights are for --init, which reads safetensors"
        case .megatronIndex: "its tokens are in the .bin file beside it"
        case .numpy, .numpyZip, .pickle, .parquet, .arrow, .hdf5, .sqlite:
            "write its tokens with NumPy's astype('<u2').tofile('tokens.bin'), or '<u4' and tokens.u32"
        case .png, .jpeg, .pdf, .elf, .llmcOther: "text is allowed, and tokens of 16 or 32 bits"
        }
    }

    /// What to do to start from such a file, as the end of a sentence; empty where nothing simple helps.
    func makingWeights(_ path: String) -> String {
        switch self {
        case .torchZip, .torchLegacy:
            ": safetensors.torch.save_file makes one of the state_dict that torch.load gives"
        case .gzip, .bzip2, .xz, .zstd, .zip, .sevenZip, .tar: ": unpack it first"
        default: ""
        }
    }
}

extension [UInt8] {
    /// The number whose bytes start at an offset, the lowest first.
    func littleEndian<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number {
        (0..<Number.bitWidth / 8).reduce(0) { $0 | Number(truncatingIfNeeded: self[offset + $1]) << Number(8 * $1) }
    }

    fileprivate func contains(_ text: String) -> Bool {
        let text = Array(text.utf8)
        return count >= text.count
            && (0...count - text.count).contains { self[$0..<$0 + text.count].elementsEqual(text) }
    }
}
