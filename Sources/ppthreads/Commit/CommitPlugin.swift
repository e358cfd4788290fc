// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Generates `Version.commit`: which commit of its own source the program is built from.
@main
struct CommitPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) -> [Command] {
        let script = target.directoryURL.appending(path: "Commit/write_commit.sh")
        let output = context.pluginWorkDirectoryURL.appending(path: "Commit.swift")
        // What git says can change without any source file. No two builds see the same file here, so each runs the
        // script; SwiftPM leaves a prebuild command out as long as it does not plan anew (swift-package-manager 5476).
        let alwaysNew = URL(filePath: "/proc/self/stat")
        return [
            .buildCommand(
                displayName: "Commit of the source", executable: URL(filePath: "/bin/sh"),
                arguments: [script.path, context.package.directoryURL.path, output.path],
                inputFiles: [script, alwaysNew], outputFiles: [output])
        ]
    }
}
