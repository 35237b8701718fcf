#pragma once

// Focused attention on rows of q8_0, as ggml lays them out: blocks of 32 elements, a scale (f16) and 32 int8 each. The blocks
// of a K row, then those of its V row.

#include "kernels/kernels.h"
#include "kernels/kernels_vector.h"

#define Q8_BLOCK_ELEMENTS 32
#define Q8_BLOCK_HALVES 17 // of 2 bytes: the scale and 16 pairs of elements

// VF_N elements as floats
FASA_INLINE vf vf_load_i8(const int8_t * p) {
#if defined(__AVX512F__)
    return (vf) _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *) p)));
#elif defined(__AVX2__)
    return (vf) _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) p)));
#else
    const vi x = { p[0], p[1], p[2], p[3] };
    return __builtin_convertvector(x, vf);
#endif
}

FASA_INLINE float q8_scale(const uint16_t * block) {
    const uint16_t lanes[VF_N] = { block[0] };
    return vf_load_f16(lanes)[0];
}

FASA_INLINE void rows_logits_q8_heads(const float * q, const int32_t n_heads, int32_t d, const uint16_t * const * rows, int32_t n,
    float scale, float * logits, size_t logit_stride) {
    const int32_t n_blocks = d / Q8_BLOCK_ELEMENTS;
    for (int32_t r = 0; r < n; r++) {
        if (r + 4 < n) { // the choice is scattered: bring K and V of a row after the next in early
            for (int32_t c = 0; c < 2 * n_blocks * Q8_BLOCK_HALVES; c += 32) {
                __builtin_prefetch(rows[r + 4] + c);
            }
        }
        vf sums[FASA_HEADS];
        for (int32_t h = 0; h < n_heads; h++) {
            sums[h] = vf {};
        }
        for (int32_t b = 0; b < n_blocks; b++) {
            const uint16_t * block = rows[r] + b * Q8_BLOCK_HALVES;
            const int8_t * values = (const int8_t *) (block + 1);
            const vf step = vf_set(q8_scale(block));
            for (int32_t c = 0; c < Q8_BLOCK_ELEMENTS; c += VF_N) {
                const vf key = vf_load_i8(values + c) * step;
                for (int32_t h = 0; h < n_heads; h++) {
                    sums[h] = vf_fma(key, vf_load(q + (size_t) h * d + b * Q8_BLOCK_ELEMENTS + c), sums[h]);
                }
            }
        }
        for (int32_t h = 0; h < n_heads; h++) {
            logits[h * logit_stride + r] = vf_sum(sums[h]) * scale;
        }
    }
}

static void row_logits_q8(const float * q, int32_t n_q, int32_t d, const uint16_t * const * rows, int32_t n_rows, float scale,
    float * logits, size_t logit_stride) {
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        const float * head = q + (size_t) h * d;
        float * to = logits + h * logit_stride;
        switch (n_q - h) {
            case 1: rows_logits_q8_heads(head, 1, d, rows, n_rows, scale, to, logit_stride); break;
#if FASA_HEADS > 2
            case 2: rows_logits_q8_heads(head, 2, d, rows, n_rows, scale, to, logit_stride); break;
            case 3: rows_logits_q8_heads(head, 3, d, rows, n_rows, scale, to, logit_stride); break;
#endif
            default: rows_logits_q8_heads(head, FASA_HEADS, d, rows, n_rows, scale, to, logit_stride); break;
        }
    }
}

// one block of the outputs of n_heads query heads; rows + from: the block of each V row
FASA_INLINE void values_sum_q8_heads(const float * weights, size_t weight_stride, const int32_t n_heads, const uint16_t * const * rows,
    size_t from, int32_t n, float * out, size_t out_stride) {
    constexpr int32_t n_vectors = Q8_BLOCK_ELEMENTS / VF_N;
    for (int32_t v = 0; v < n_vectors; v += 4) { // as many at once as accumulators fit
        constexpr int32_t n_most = n_vectors < 4 ? n_vectors : 4;
        vf sums[FASA_HEADS][n_most];
        for (int32_t h = 0; h < n_heads; h++) {
            for (int32_t i = 0; i < n_most; i++) {
                sums[h][i] = vf_load(out + h * out_stride + (v + i) * VF_N);
            }
        }
        for (int32_t r = 0; r < n; r++) {
            const uint16_t * block = rows[r] + from;
            const int8_t * values = (const int8_t *) (block + 1) + v * VF_N;
            const vf step = vf_set(q8_scale(block));
            vf value[n_most];
            for (int32_t i = 0; i < n_most; i++) {
                value[i] = vf_load_i8(values + i * VF_N) * step;
            }
            for (int32_t h = 0; h < n_heads; h++) {
                const vf weight = vf_set(weights[h * weight_stride + r]);
                for (int32_t i = 0; i < n_most; i++) {
                    sums[h][i] = vf_fma(weight, value[i], sums[h][i]);
                }
            }
        }
        for (int32_t h = 0; h < n_heads; h++) {
            for (int32_t i = 0; i < n_most; i++) {
                vf_store(out + h * out_stride + (v + i) * VF_N, sums[h][i]);
            }
        }
    }
}

static void value_sum_q8(const float * weights, size_t weight_stride, int32_t n_q, int32_t d, const uint16_t * const * rows,
    int32_t n_rows, float * out) {
    const int32_t n_blocks = d / Q8_BLOCK_ELEMENTS;
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        const float * from = weights + h * weight_stride;
        for (int32_t b = 0; b < n_blocks; b++) {
            const size_t at = (size_t) (n_blocks + b) * Q8_BLOCK_HALVES;
            float * to = out + (size_t) h * d + b * Q8_BLOCK_ELEMENTS;
            switch (n_q - h) {
                case 1: values_sum_q8_heads(from, weight_stride, 1, rows, at, n_rows, to, d); break;
#if FASA_HEADS > 2
                case 2: values_sum_q8_heads(from, weight_stride, 2, rows, at, n_rows, to, d); break;
                case 3: values_sum_q8_heads(from, weight_stride, 3, rows, at, n_rows, to, d); break;
#endif
                default: values_sum_q8_heads(from, weight_stride, FASA_HEADS, rows, at, n_rows, to, d); break;
            }
        }
    }
}
