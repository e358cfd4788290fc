// SPDX-License-Identifier: Apache-2.0

/// The memory that reading a file takes at its peak, what is made of it included, by what is in it. Measured.
struct ReadingMemory: Sendable {
    /// Bytes for each of the file's, which are among them.
    var perByte: Int
    /// What bytes of some kinds add, such as an opening brace.
    var perMark: [UInt8: Int] = [:]

    func least(_ bytes: Int) -> Int { clamped(bytes, perByte) }
    func most(_ bytes: Int) -> Int { clamped(bytes, perByte + (perMark.values.max() ?? 0)) }

    func estimate(_ contents: Span<UInt8>) -> Int {
        var weights = [Int](repeating: perByte, count: 256)
        for (mark, weight) in perMark { weights[Int(mark)] += weight }
        var sum = 0
        for index in contents.indices { sum += weights[Int(contents[index])] }
        return sum
    }

    private func clamped(_ bytes: Int, _ weight: Int) -> Int {
        let (product, overflows) = bytes.multipliedReportingOverflow(by: weight)
        return overflows ? .max : product
    }
}
