// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

extension Terminal {
    /// How wide standard output's terminal is: what `COLUMNS` says, else what the terminal does; nil where neither is there.
    static var columns: Int? {
        if let text = ProcessInfo.processInfo.environment["COLUMNS"], let columns = Int(text), columns > 0 {
            return columns
        }
        var size = winsize()
        // Sound: the call writes no more than the structure that this request is for.
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
