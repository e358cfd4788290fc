// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A library that a test compiles.
enum CompiledLibrary {
    /// The compiler that builds this package's C is usually on the path; where it is not, the tests are off.
    static let isPossible = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/clang")
    }

    /// - Returns: its path.
    static func compile(_ source: String, in folder: Folder, name: String) throws -> String {
        let file = try folder.file("\(name).c", Array(source.utf8))
        let library = folder.path("\(name).so")
        let clang = try ChildProcess(["/usr/bin/env", "clang", "-shared", "-fPIC", "-O1", "-o", library, file])
        try #require(clang.wait().code == 0)
        return library
    }

    /// `cblas_sgemm` in plain loops, row-major.
    /// - Parameters:
    ///   - factor: what each product is multiplied by.
    ///   - before: what each call begins with.
    static func products(factor: String = "1", before: String = "") -> String {
        """
        #include <string.h>
        #include <sys/prctl.h>
        #include <unistd.h>
        void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                         const float *b, int ldb, float beta, float *c, int ldc) {
            \(before)
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++) {
                    float sum = 0;
                    for (int p = 0; p < k; p++)
                        sum += (ta == 112 ? a[p * lda + i] : a[i * lda + p]) * (tb == 112 ? b[j * ldb + p] : b[p * ldb + j]);
                    c[i * ldc + j] = \(factor) * alpha * sum + (beta == 0 ? 0 : beta * c[i * ldc + j]);
                }
        }
        """
    }
}
