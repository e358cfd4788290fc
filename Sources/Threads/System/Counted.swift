// SPDX-License-Identifier: Apache-2.0

/// A number of things, for messages: `1 layer`, `3 layers`. What does not take an s, or a verb, says how it goes for several.
package func counted(_ count: Int, _ one: String, _ several: String? = nil) -> String {
    "\(count) \(count == 1 ? one : several ?? one + "s")"
}
