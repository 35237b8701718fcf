#pragma once

// Exact work on f16 rows: partial logits of tokens that are not in importance keys yet, and focused attention.

#include "kernels/kernels.h"
#include "kernels/kernels_page.h"
#include "kernels/kernels_vector.h"

// logits of n rows for n_heads query heads: scale * q . key; q: row h at q + h*q_stride
// chosen: the rows, wherever they lie; or null: rows 0 to n-1, consecutive from keys on. n_heads is a constant where this is
// expanded.
FASA_INLINE void rows_logits_heads(const float * q, size_t q_stride, const int32_t n_heads, int32_t d, const uint16_t * keys,
    size_t row_stride, const uint16_t * const * chosen, int32_t n, float scale, float * logits,
    size_t logit_stride) {
    // what is over after whole vectors is read as the last vector of the row, with zeros in q where it was read before
    const int32_t whole = d / VF_N * VF_N;
    const int32_t last = d > VF_N ? d - VF_N : 0;
    vf rest[FASA_HEADS];
    for (int32_t h = 0; h < n_heads; h++) {
        float lanes[VF_N] = { 0 };
        for (int32_t c = whole; c < d; c++) {
            lanes[c - last] = q[h * q_stride + c];
        }
        rest[h] = vf_load(lanes);
    }
    for (int32_t r = 0; r < n; r += 4) {
        const uint16_t * row[4];
        for (int32_t i = 0; i < 4; i++) {
            const int32_t at = r + i < n ? r + i : n - 1;
            row[i] = chosen ? chosen[at] : keys + at * row_stride;
        }
        if (chosen) { // the choice is scattered: bring K and V of the rows after the next in early
            for (int32_t i = 8; i < 12 && r + i < n; i++) {
                const uint16_t * ahead = chosen[r + i];
                for (int32_t c = 0; c < 2 * d; c += 32) {
                    __builtin_prefetch(ahead + c);
                }
            }
        }
        vf sums[4][FASA_HEADS];
        for (int32_t i = 0; i < 4; i++) {
            for (int32_t h = 0; h < n_heads; h++) {
                sums[i][h] = vf {};
            }
        }
        for (int32_t c = 0; c < whole; c += VF_N) {
            for (int32_t i = 0; i < 4; i++) {
                const vf key = vf_load_f16(row[i] + c);
                for (int32_t h = 0; h < n_heads; h++) {
                    sums[i][h] = vf_fma(key, vf_load(q + h * q_stride + c), sums[i][h]);
                }
            }
        }
        if (whole < d) {
            for (int32_t i = 0; i < 4; i++) {
                const vf key = d > VF_N ? vf_load_f16(row[i] + last) : vf_load_f16_part(row[i], d);
                for (int32_t h = 0; h < n_heads; h++) {
                    sums[i][h] = vf_fma(key, rest[h], sums[i][h]);
                }
            }
        }
        for (int32_t h = 0; h < n_heads; h++) {
            const vf4 dots = vf_sum4(sums[0][h], sums[1][h], sums[2][h], sums[3][h]) * scale;
            float * to = logits + h * logit_stride + r;
            if (r + 4 <= n) {
                *(vf4_any *) to = dots;
            } else {
                for (int32_t i = 0; i < n - r; i++) {
                    to[i] = dots[i];
                }
            }
        }
    }
}

static void rows_logits(const float * q, size_t q_stride, int32_t n_q, int32_t d, const uint16_t * keys, size_t row_stride,
    const uint16_t * const * chosen, int32_t n, float scale, float * logits, size_t logit_stride) {
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        const float * head = q + h * q_stride;
        float * to = logits + h * logit_stride;
        switch (n_q - h) {
            case 1: rows_logits_heads(head, q_stride, 1, d, keys, row_stride, chosen, n, scale, to, logit_stride); break;
#if FASA_HEADS > 2
            case 2: rows_logits_heads(head, q_stride, 2, d, keys, row_stride, chosen, n, scale, to, logit_stride); break;
            case 3: rows_logits_heads(head, q_stride, 3, d, keys, row_stride, chosen, n, scale, to, logit_stride); break;
#endif
            default: rows_logits_heads(head, q_stride, FASA_HEADS, d, keys, row_stride, chosen, n, scale, to, logit_stride); break;
        }
    }
}

// The queries are spread over whole rows, zero outside the chosen channels: reading a row in order is faster than picking
// from it.
static void tip_rows(const float * q, int32_t n_q, const int32_t * channels, int32_t n_channels, const uint16_t * keys,
    size_t row_stride, int32_t n_rows, float * scores, size_t score_stride) {
    int32_t d = 0;
    for (int32_t c = 0; c < n_channels; c++) {
        d = channels[c] >= d ? channels[c] + 1 : d;
    }
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        const int32_t n_heads = n_q - h < FASA_HEADS ? n_q - h : FASA_HEADS;
        float spread[FASA_HEADS * FASA_HEAD_SIZE_MAX] = { 0 };
        for (int32_t i = 0; i < n_heads; i++) {
            for (int32_t c = 0; c < n_channels; c++) {
                spread[i * FASA_HEAD_SIZE_MAX + channels[c]] = q[(size_t) (h + i) * n_channels + c];
            }
        }
        rows_logits(spread, FASA_HEAD_SIZE_MAX, n_heads, d, keys, row_stride, nullptr, n_rows, 1, scores + h * score_stride,
            score_stride);
    }
}

// logits become exp(logit - largest); returns their sum. With no finite logit all weights are 0, and so is the sum.
static float weights_from_logits(float * logits, int32_t n) {
    vf largest = vf_set(-__builtin_inff());
    int32_t i = 0;
    for (; i + VF_N <= n; i += VF_N) {
        largest = vf_max(vf_load(logits + i), largest);
    }
    if (i < n) {
        largest = vf_max(vf_load_part(logits + i, n - i, -__builtin_inff()), largest);
    }
    const vf shift = vf_set(vf_largest(largest));
    vf sum = {};
    for (i = 0; i + VF_N <= n; i += VF_N) {
        const vf weight = vf_exp(vf_load(logits + i) - shift);
        vf_store(logits + i, weight);
        sum += weight;
    }
    if (i < n) {
        const vf weight = vf_exp(vf_load_part(logits + i, n - i, -__builtin_inff()) - shift);
        vf_store_part(logits + i, weight, n - i);
        sum += weight;
    }
    return vf_sum(sum);
}

#define OUT_VECTORS 4 // vectors of an output row taken together

// out rows of n_heads query heads, elements [from, from + OUT_VECTORS*VF_N): sum of weight * value
// row r's at rows[r] + from
FASA_INLINE void values_sum_heads(const float * weights, size_t weight_stride, const int32_t n_heads, const uint16_t * const * rows,
    size_t from, int32_t n, float * out, size_t out_stride) {
    vf sums[FASA_HEADS][OUT_VECTORS];
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < OUT_VECTORS; v++) {
            sums[h][v] = vf_load(out + h * out_stride + v * VF_N);
        }
    }
    for (int32_t r = 0; r < n; r++) {
        const uint16_t * row = rows[r] + from;
        vf value[OUT_VECTORS];
        for (int32_t v = 0; v < OUT_VECTORS; v++) {
            value[v] = vf_load_f16(row + v * VF_N);
        }
        for (int32_t h = 0; h < n_heads; h++) {
            const vf weight = vf_set(weights[h * weight_stride + r]);
            for (int32_t v = 0; v < OUT_VECTORS; v++) {
                sums[h][v] = vf_fma(weight, value[v], sums[h][v]);
            }
        }
    }
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < OUT_VECTORS; v++) {
            vf_store(out + h * out_stride + v * VF_N, sums[h][v]);
        }
    }
}

// the same for one head and the last elements of a row, one vector or less
static void values_sum_part(const float * weights, const uint16_t * const * rows, size_t from, int32_t n, float * out,
    int32_t n_elements) {
    vf sum = load_part(out, n_elements);
    for (int32_t r = 0; r < n; r++) {
        sum = vf_fma(vf_set(weights[r]), load_f16_part(rows[r] + from, n_elements), sum);
    }
    if (n_elements >= VF_N) {
        vf_store(out, sum);
    } else {
        vf_store_part(out, sum, n_elements);
    }
}

static void row_logits(const float * q, int32_t n_q, int32_t d, const uint16_t * const * rows, int32_t n_rows, float scale,
    float * logits, size_t logit_stride) {
    rows_logits(q, d, n_q, d, nullptr, 0, rows, n_rows, scale, logits, logit_stride);
}

static void softmax(float * logits, int32_t n) {
    const float sum = weights_from_logits(logits, n);
    const vf inverse = vf_set(sum > 0 ? 1 / sum : 0);
    int32_t i = 0;
    for (; i + VF_N <= n; i += VF_N) {
        vf_store(logits + i, vf_load(logits + i) * inverse);
    }
    if (i < n) {
        vf_store_part(logits + i, vf_load_part(logits + i, n - i, 0) * inverse, n - i);
    }
}

static void value_sum(const float * weights, size_t weight_stride, int32_t n_q, int32_t d, const uint16_t * const * rows,
    int32_t n_rows, float * out) {
    const int32_t whole = OUT_VECTORS * VF_N;
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        const int32_t n_heads = n_q - h < FASA_HEADS ? n_q - h : FASA_HEADS;
        const float * from = weights + h * weight_stride;
        float * to = out + (size_t) h * d;
        int32_t c = 0;
        for (; c + whole <= d; c += whole) {
            switch (n_heads) {
                case 1: values_sum_heads(from, weight_stride, 1, rows, d + c, n_rows, to + c, d); break;
#if FASA_HEADS > 2
                case 2: values_sum_heads(from, weight_stride, 2, rows, d + c, n_rows, to + c, d); break;
                case 3: values_sum_heads(from, weight_stride, 3, rows, d + c, n_rows, to + c, d); break;
#endif
                default: values_sum_heads(from, weight_stride, FASA_HEADS, rows, d + c, n_rows, to + c, d);
            }
        }
        for (; c < d; c += VF_N) {
            for (int32_t i = 0; i < n_heads; i++) {
                values_sum_part(from + i * weight_stride, rows, d + c, n_rows, to + (size_t) i * d + c, d - c < VF_N ? d - c : VF_N);
            }
        }
    }
}
