#pragma once

// From predicted logits to the choice of a KV head's group: sum of softmax over the query heads, then the best tokens.

#include "kernels/kernels.h"
#include "kernels/kernels_vector.h"

#define LOWEST (-__builtin_inff())

FASA_INLINE vf scores_load(const float * scores, int32_t i, int32_t n) {
    return i + VF_N <= n ? vf_load(scores + i) : vf_load_part(scores + i, n - i, LOWEST);
}

static float scores_largest(const float * scores, int32_t n) {
    vf a = vf_set(LOWEST), b = a;
    int32_t i = 0;
    for (; i + 2 * VF_N <= n; i += 2 * VF_N) {
        a = vf_max(vf_load(scores + i), a);
        b = vf_max(vf_load(scores + i + VF_N), b);
    }
    for (; i < n; i += VF_N) {
        a = vf_max(scores_load(scores, i, n), a);
    }
    return vf_largest(vf_max(a, b));
}

// scores become exp(score - shift); returns their sum
static float exponentials(float * scores, int32_t n, float shift) {
    vf a = {}, b = {};
    int32_t i = 0;
    for (; i + 2 * VF_N <= n; i += 2 * VF_N) {
        const vf x = vf_exp_near(vf_load(scores + i) - shift);
        const vf y = vf_exp_near(vf_load(scores + i + VF_N) - shift);
        vf_store(scores + i, x);
        vf_store(scores + i + VF_N, y);
        a += x;
        b += y;
    }
    for (; i < n; i += VF_N) {
        const vf x = vf_exp_near(scores_load(scores, i, n) - shift);
        if (i + VF_N <= n) {
            vf_store(scores + i, x);
        } else {
            vf_store_part(scores + i, x, n - i);
        }
        a += x;
    }
    return vf_sum(a + b);
}

// out = sum over n_heads of weight[h] * inverse[h], added to what is there unless it is the first
FASA_INLINE void weights_add(const float * weights, size_t stride, const int32_t n_heads, const float * inverse, int32_t n, bool first, float * out) {
    for (int32_t i = 0; i < n; i += VF_N) {
        const bool whole = i + VF_N <= n;
        vf sum = first ? vf {} : whole ? vf_load(out + i)
                                       : vf_load_part(out + i, n - i, 0);
        for (int32_t h = 0; h < n_heads; h++) {
            const float * head = weights + h * stride + i;
            sum = vf_fma(whole ? vf_load(head) : vf_load_part(head, n - i, 0), vf_set(inverse[h]), sum);
        }
        if (whole) {
            vf_store(out + i, sum);
        } else {
            vf_store_part(out + i, sum, n - i);
        }
    }
}

static void importance(float * scores, size_t score_stride, int32_t n_q, int32_t n, float * out) {
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        float inverse[FASA_HEADS];
        const int32_t n_heads = n_q - h < FASA_HEADS ? n_q - h : FASA_HEADS;
        float * heads = scores + h * score_stride;
        for (int32_t i = 0; i < n_heads; i++) {
            float * head = heads + i * score_stride;
            const float sum = exponentials(head, n, scores_largest(head, n));
            inverse[i] = sum > 0 ? 1 / sum : 0;
        }
        switch (n_heads) {
            case 1: weights_add(heads, score_stride, 1, inverse, n, h == 0, out); break;
#if FASA_HEADS > 2
            case 2: weights_add(heads, score_stride, 2, inverse, n, h == 0, out); break;
            case 3: weights_add(heads, score_stride, 3, inverse, n, h == 0, out); break;
#endif
            default: weights_add(heads, score_stride, FASA_HEADS, inverse, n, h == 0, out); break;
        }
    }
}

// an integer that orders as the float does; -0 comes next below 0, NaN below everything
FASA_INLINE vi order_of(vf x) {
    const vi bits = vf_bits(x);
    const vi key = bits ^ ((bits >> 31) & 0x7fffffff);
    return x == x ? key : vi_set(INT32_MIN);
}

FASA_INLINE vi order_load(const float * values, int32_t i, int32_t n) {
    if (i + VF_N <= n) {
        return order_of(vf_load(values + i) + vf {}); // -0 + 0 = 0: they are equal, so they tie
    }
    int32_t lanes[VF_N];
    vi_store(lanes, order_of(vf_load_part(values + i, n - i, LOWEST) + vf {}));
    for (int32_t j = n - i; j < VF_N; j++) {
        lanes[j] = INT32_MIN;
    }
    return vi_load(lanes);
}

static int32_t count_at_least(const int32_t * keys, int32_t n, int32_t bound) {
    vi count = {};
    const vi limit = vi_set(bound);
    int32_t i = 0;
    for (; i + VF_N <= n; i += VF_N) {
        count -= vi_load(keys + i) >= limit; // true is -1
    }
    int32_t sum = 0;
    for (int32_t j = 0; j < VF_N; j++) {
        sum += count[j];
    }
    for (; i < n; i++) {
        sum += keys[i] >= bound;
    }
    return sum;
}

// The k-th largest of n keys, 1 <= k <= n: bisection between the bounds, at most 32 counts.
static int32_t keys_kth_largest(const int32_t * keys, int32_t n, int32_t k) {
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (int32_t i = 0; i < n; i++) {
        low = keys[i] < low ? keys[i] : low;
        high = keys[i] > high ? keys[i] : high;
    }
    while (low < high) { // at least k keys are >= low, fewer than k are > high
        const int32_t middle = (int32_t) (((int64_t) low + high + 1) >> 1);
        const int32_t count = count_at_least(keys, n, middle);
        if (count >= k) {
            low = middle;
            if (count == k) { // the smallest of exactly these k
                int32_t smallest = INT32_MAX;
                for (int32_t i = 0; i < n; i++) {
                    smallest = keys[i] >= middle && keys[i] < smallest ? keys[i] : smallest;
                }
                return smallest;
            }
        } else {
            high = middle - 1;
        }
    }
    return low;
}

// Indices i in [0, n) whose key is at least bound, and these keys, in order; returns how many.
static int32_t candidates_gather(const float * values, int32_t n, int32_t bound, int32_t * keys, int32_t * indices) {
    int32_t found = 0;
    for (int32_t i = 0; i < n; i += VF_N) {
        const vi key = order_load(values, i, n);
        const vi hit = key >= vi_set(bound);
#if defined(__AVX512F__)
        uint32_t mask = _mm512_movepi32_mask((__m512i) hit);
        if (i + VF_N > n) {
            mask &= (1u << (n - i)) - 1;
        }
        if (mask) {
            const __m512i lanes = _mm512_add_epi32(_mm512_set1_epi32(i), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
            // compressed in a register and stored whole: the form with a memory operand is microcode on some processors
            _mm512_storeu_si512(keys + found, _mm512_maskz_compress_epi32((__mmask16) mask, (__m512i) key));
            _mm512_storeu_si512(indices + found, _mm512_maskz_compress_epi32((__mmask16) mask, lanes));
            found += __builtin_popcount(mask);
        }
#else
#if defined(__AVX2__)
        uint32_t mask = (uint32_t) _mm256_movemask_ps((__m256) hit);
#elif defined(FASA_NEON)
        const uint32x4_t bits = vandq_u32((uint32x4_t) hit, (uint32x4_t) { 1, 2, 4, 8 });
        uint32_t mask = vaddvq_u32(bits);
#elif defined(__SSE2__)
        uint32_t mask = (uint32_t) _mm_movemask_ps((__m128) hit);
#else
        uint32_t mask = 0;
        for (int32_t j = 0; j < VF_N; j++) {
            mask |= (uint32_t) (hit[j] & 1) << j;
        }
#endif
        if (i + VF_N > n) {
            mask &= (1u << (n - i)) - 1;
        }
        for (; mask; mask &= mask - 1) {
            const int32_t j = __builtin_ctz(mask);
            keys[found] = key[j];
            indices[found++] = i + j;
        }
#endif
    }
    return found;
}

// Every STRIDE vectors give one vector of maxima. The k-th largest maximum is a lower bound of the k-th largest value, and
// seldom far below it; without k maxima there is no bound.
#define BOUND_STRIDE 16

static int32_t lower_bound_of_kth(const float * values, int32_t n, int32_t k, int32_t * maxima) {
    const int32_t n_vectors = n / VF_N;
    int32_t stride = BOUND_STRIDE;
    while (stride > 1 && n_vectors / stride * VF_N < 2 * k) { // twice as many maxima as wanted keep the bound tight
        stride /= 2;
    }
    const int32_t n_groups = n_vectors / stride;
    if (stride == 1 || n_groups * VF_N < k) {
        return INT32_MIN;
    }
    for (int32_t g = 0; g < n_groups; g++) {
        const float * from = values + (size_t) g * stride * VF_N;
        vi best = vi_set(INT32_MIN);
        for (int32_t v = 0; v < stride; v++) {
            best = vi_max(order_of(vf_load(from + v * VF_N) + vf {}), best);
        }
        vi_store(maxima + g * VF_N, best);
    }
    return keys_kth_largest(maxima, n_groups * VF_N, k);
}

static void top_k(const float * values, int32_t begin, int32_t end, int32_t n_chosen, int32_t * chosen, void * scratch) {
    const int32_t n = end - begin;
    if (n <= 0 || n_chosen <= 0) {
        return;
    }
    if (n_chosen >= n) {
        for (int32_t i = 0; i < n; i++) {
            chosen[i] = begin + i;
        }
        return;
    }
    int32_t * keys = (int32_t *) scratch;
    int32_t * indices = keys + n + 64;
    // the maxima are done with before candidates are written
    const int32_t bound = lower_bound_of_kth(values + begin, n, n_chosen, indices);
    const int32_t found = candidates_gather(values + begin, n, bound, keys, indices);
    const int32_t smallest = keys_kth_largest(keys, found, n_chosen);
    int32_t ties = n_chosen - (smallest == INT32_MAX ? 0 : count_at_least(keys, found, smallest + 1));
    for (int32_t i = 0, written = 0; written < n_chosen; i++) {
        if (keys[i] > smallest || (keys[i] == smallest && ties-- > 0)) {
            chosen[written++] = begin + indices[i];
        }
    }
}
