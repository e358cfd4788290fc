// SPDX-License-Identifier: Apache-2.0

import CThreads

/// When the process was last stopped and went on (SIGSTOP, Ctrl-Z, SIGCONT).
///
/// Nobody is told of a stop, but whoever asks for it of the end of one. A sleep in which there was such an end may have been
/// held up by it until then.
public enum Suspensions {
    /// Has the process take note, from now on; a SIGCONT then ends a system call that waits, as other signals do.
    ///
    /// - Parameter replaces: also where the program handles SIGCONT itself, which it then does no more.
    package static func note(replaces: Bool) { ppt_note_continues(replaces ? 1 : 0) }

    /// On the clock of `Clock.now()`; 0 while there was none, and in a process that takes no note.
    public static var lastEnd: UInt64 { ppt_last_continue() }
}
