#pragma once

// The stages of FASA decoding for one KV head: importance keys (TIP), the choice, focused attention (FAC).
// arXiv 2602.03152; formulas in docs/calibration.md.
//
// One table of functions per instruction set, chosen at run time. The functions throw nothing, allocate nothing and keep
// no state. Halves (f16, IEEE 754 binary16) are uint16_t. Strides are in elements, not bytes. Values from a hostile file
// (NaN, infinities) give poor scores, never a fault or an endless loop.
//
// A page of importance keys: docs/calibration.md has the byte layout.

#include <stddef.h>
#include <stdint.h>

constexpr int32_t FASA_PAGE_TOKENS = 128;   // tokens of a page
constexpr int32_t FASA_HEAD_SIZE_MAX = 256; // d, and so also the max channels of a page

// bytes of the importance keys of one KV head and one page: 64-byte aligned
// n_channels: 2 * dominant FCs, 1 to FASA_HEAD_SIZE_MAX
size_t fasa_page_bytes(int32_t n_channels);

// bytes that top_k needs as scratch to choose among n values, at any n_chosen; 64-byte aligned size
size_t fasa_top_k_scratch_bytes(int32_t n);

struct fasa_kernels {
    const char * name; // "plain", "avx2", "avx512", "neon"

    // Quantizes the chosen channels of a full page to int4, with ranges per channel from the page's own tokens.
    // keys:     f16 rows of FASA_PAGE_TOKENS tokens, row t at keys + t*row_stride
    // channels: n_channels indices into a row
    // n_exact:  the first tokens that ranges leave out (an attention sink would stretch them); their codes are clamped
    void (*page_encode)(const uint16_t * keys, size_t row_stride, const int32_t * channels, int32_t n_channels, int32_t n_exact,
        void * page);

    // Predicted logits of a page's tokens, for the n_q query heads that share the KV head.
    // q:      [n_q][n_channels], already times 1/sqrt(d); it is quantized to int8 after the page's scales are folded in
    // prior:  added to each
    // scores: row h at scores + h*score_stride; FASA_PAGE_TOKENS values written
    void (*tip_page)(const float * q, int32_t n_q, int32_t n_channels, const void * page, float prior, float * scores, size_t score_stride);

    // The same from f16 rows, exact: for the open page and for tokens that are kept exact.
    // keys: row t at keys + t*row_stride; channels below FASA_HEAD_SIZE_MAX; scores: n_rows values a query head
    void (*tip_rows)(const float * q, int32_t n_q, const int32_t * channels, int32_t n_channels, const uint16_t * keys,
        size_t row_stride, int32_t n_rows, float * scores, size_t score_stride);

    // Sum over the query heads of each one's softmax over n tokens. NaN and -inf scores count as 0; a head without any
    // finite score adds nothing. importance: [n]. The scores are used up: each becomes its weight before division by the sum.
    void (*importance)(float * scores, size_t score_stride, int32_t n_q, int32_t n, float * importance);

    // The n_chosen largest of values[begin, end): their indices, ascending, into chosen. Ties go to the lower index; NaN is
    // less than everything. With n_chosen >= end - begin all indices are chosen, so min(n_chosen, end - begin) are written.
    // scratch: fasa_top_k_scratch_bytes(end - begin)
    void (*top_k)(const float * values, int32_t begin, int32_t end, int32_t n_chosen, int32_t * chosen, void * scratch);

    // Focused attention (FAC) is these three over the chosen rows, wherever they lie. The K row of token r is at rows[r], its
    // V row right after it, at rows[r] + d; d is at most FASA_HEAD_SIZE_MAX.

    // Exact logits. q: [n_q][d], not scaled; scale: 1/sqrt(d); logits: row h at logits + h*logit_stride
    void (*row_logits)(const float * q, int32_t n_q, int32_t d, const uint16_t * const * rows, int32_t n_rows, float scale,
        float * logits, size_t logit_stride);

    // Logits of one query head become weights whose sum is 1; zeros when none is finite.
    void (*softmax)(float * logits, int32_t n);

    // out [n_q][d] += sum over the rows of weight * V row; weights: row h at weights + h*weight_stride
    void (*value_sum)(const float * weights, size_t weight_stride, int32_t n_q, int32_t d, const uint16_t * const * rows,
        int32_t n_rows, float * out);

    // The same for rows of q8_0 (ggml's block_q8_0: an f16 scale and 32 int8): the blocks of the K row at rows[r], those of its V
    // row right after it. d is a multiple of 32.
    void (*row_logits_q8)(const float * q, int32_t n_q, int32_t d, const uint16_t * const * rows, int32_t n_rows, float scale,
        float * logits, size_t logit_stride);
    void (*value_sum_q8)(const float * weights, size_t weight_stride, int32_t n_q, int32_t d, const uint16_t * const * rows,
        int32_t n_rows, float * out);
};

// the fastest that this CPU and operating system run; $FASA_KERNELS=NAME asks for another of fasa_kernels_all
const fasa_kernels * fasa_kernels_best();

// all that this CPU runs, plain first, fastest last
const fasa_kernels * const * fasa_kernels_all(int32_t * n);
