// SPDX-License-Identifier: Apache-2.0

/// A subcommand: what it is called and what it does.
struct Command {
    let name: String
    let summary: String
    let help: String
    let run: ([String]) throws(CommandError) -> Void
}
