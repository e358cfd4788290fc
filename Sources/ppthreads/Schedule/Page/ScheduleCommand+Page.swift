// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

extension ScheduleCommand {
    /// Writes the page of all orders, and tells which sizes are not on it.
    ///
    /// - Parameter first: the one that it shows first, and besides it in the case of a file; nil for no wish.
    static func writePage(_ first: ScheduleName?, _ options: ScheduleOptions) throws(CommandError) {
        try options.checkFitPage()
        var files = CommandFiles()
        if let path = first?.path { try files.read("FILE", path) }
        let output = try files.write("--html", options.html)
        let page = try SchedulePage(PageOrders(first, options), options.costs)
        var attempts = Attempts("schedule")
        attempts.attempt { () throws(CommandError) in
            try files.report(page.explorer.orders.lines.joined(separator: "\n"))
        }
        if let output { attempts.write { () throws(DataError) in try output.write(text: page.text) } }
        try attempts.finish()
    }
}
