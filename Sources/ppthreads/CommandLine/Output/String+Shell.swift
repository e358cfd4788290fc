// SPDX-License-Identifier: Apache-2.0

extension String {
    /// In single quotes for a shell: as it is, whatever it holds.
    var quotedForShell: String { "'\(replacing("'", with: #"'\''"#))'" }
}
