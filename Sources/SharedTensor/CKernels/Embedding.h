// SPDX-License-Identifier: Apache-2.0

// Rows of a table that tokens name.

#ifdef KERNEL

/// out[r, :] = table[tokens[r], :].
KERNEL(void, embedding, (long rows, long columns, const int32_t *tokens, const float *table, float *out))

/// dtable[tokens[r], :] += dy[r, :], rows ascending.
KERNEL(void, embedding_backward, (long rows, long columns, const int32_t *tokens, const float *dy, float *dtable))

#else

static void embedding(long rows, long columns, const int32_t *tokens, const float *table, float *out) {
    for (long r = 0; r < rows; r++) {
        __builtin_memcpy(out + r * columns, table + tokens[r] * columns, (size_t)columns * sizeof(float));
    }
}

static void embedding_backward(long rows, long columns, const int32_t *tokens, const float *dy, float *dtable) {
    for (long r = 0; r < rows; r++) {
        float *row = dtable + tokens[r] * columns;
        add(columns, row, dy + r * columns, row);
    }
}

#endif
