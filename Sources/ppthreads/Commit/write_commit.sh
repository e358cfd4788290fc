# SPDX-License-Identifier: Apache-2.0
# write_commit.sh PACKAGE OUTPUT: writes the commit that a package's folder has checked out as Swift source. "-dirty" follows
# it when what the program is built from is not as committed; "unknown" stands where git cannot tell. A file that says so
# already is left alone, so that nothing is built again.

# Told where the clone is, git neither takes one around the package for it nor minds whose files these are.
ours() { git --no-optional-locks --git-dir=.git --work-tree=. "$@" 2>/dev/null; }

cd "$1" && commit=$(ours rev-parse --verify HEAD) &&
    changes=$(ours status --porcelain --untracked-files=normal -- Package.swift Sources) || { commit=unknown changes=; }
text="extension Version { static let commit = \"$commit${changes:+-dirty}\" }"
[ "$(cat "$2" 2>/dev/null)" = "$text" ] || printf '%s\n' "$text" >"$2"
