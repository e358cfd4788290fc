// SPDX-License-Identifier: Apache-2.0

import SharedTensor

extension ScheduleFile {
    /// Reads a schedule's CSV, and calls the schedule `name`.
    /// - Throws: `DataError` with the row, the column and the reason when it is none, or the file cannot be read.
    public init(path: String, name: String) throws(DataError) {
        // A cell of four bytes becomes an instruction, an action, and some numbers beside them.
        let data = try WholeFile.read(path, memory: ReadingMemory(perByte: 40))
        do throws(ScheduleFileError) {
            try self.init(bytes: Array(data), name: name)
        } catch {
            throw DataError(path: path, reason: error.description)
        }
    }
}
