// SPDX-License-Identifier: Apache-2.0

/// Traps with a sentence unless a condition holds: for a caller's bug, which no error could mend.
///
/// As `precondition`, whose sentence release builds drop; this one's they print. The sentence is made only when it is needed,
/// so that a condition that holds costs one branch. What is called for every row or tensor has its `trap` in a branch of its
/// own, which builds for debugging need no closure for.
@inlinable
@inline(__always)
package func require(
    _ condition: Bool, _ sentence: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) {
    if !condition { trap(sentence(), file: file, line: line) }
}

/// Traps with a sentence, in release builds too.
@inline(never)
@usableFromInline
package func trap(_ sentence: String, file: StaticString = #fileID, line: UInt = #line) -> Never {
    fatalError(sentence, file: file, line: line)
}
