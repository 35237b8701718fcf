#pragma once

// Importance keys: how a page is written, and how a query is scored against it.
//
// Codes lie in blocks of 64 bytes: 16 tokens x 8 channels, byte 4*token + j holding channel j in its low half and channel
// j + 4 in its high half. So one 32-bit lane is four channels of one token, as the dot products of 8-bit integers take
// them (vpdpbusd, vpmaddubsw, sdot), and each byte is unpacked once for all query heads of the group.

#include "kernels/kernels.h"
#include "kernels/kernels_vector.h"

#define BLOCK_CHANNELS 8
#define BLOCK_TOKENS 16
#define BLOCK_BYTES 64

// vectors of tokens scanned together: they share the broadcast query, and make independent sums enough to hide latency
#if defined(__AVX512F__) || defined(__AVX2__)
#define DOT_VECTORS 2
#elif defined(FASA_NEON)
#define DOT_VECTORS 4
#else
#define DOT_VECTORS 2
#endif

// How far ahead of the scan codes are fetched. Hardware prefetchers stop at every 4 KiB, and a scan reads each byte once
#define PREFETCH_BYTES 4096

typedef int32_t int32_any __attribute__((aligned(1), may_alias));

// f16 bits of x, |x| < 65520: to the nearest, ties to even in the normal range; anything over 0 stays over 0
static uint16_t half_from_float(float x) {
    const uint16_t sign = x < 0 ? 0x8000 : 0;
    const float size = x < 0 ? -x : x;
    if (size < 0x1p-14f) { // subnormal: units of 2^-24
        const uint16_t units = (uint16_t) (size * 0x1p24f + 0.5f);
        return sign | (units == 0 && size > 0 ? 1 : units);
    }
    union {
        float f;
        uint32_t u;
    } bits = { size };
    return sign | (uint16_t) (((bits.u + 0xfff + (bits.u >> 13 & 1)) >> 13) - (112 << 10));
}

static float float_from_half(uint16_t x) {
    uint16_t lanes[VF_N] = { x };
    return vf_load_f16(lanes)[0];
}

static size_t page_ranges_bytes(int32_t n_blocks) {
    return ((size_t) n_blocks * BLOCK_CHANNELS * 2 * sizeof(uint16_t) + 63) / 64 * 64;
}

// one block of channels of a page; values: [FASA_PAGE_TOKENS][BLOCK_CHANNELS]
static void page_encode_block(const float * values, int32_t n_exact, uint16_t * scales, uint16_t * minima, uint8_t * codes,
    size_t tile_stride) {
    float low[BLOCK_CHANNELS], high[BLOCK_CHANNELS];
    for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
        low[j] = __builtin_inff();
        high[j] = -__builtin_inff();
    }
    for (int32_t t = n_exact; t < FASA_PAGE_TOKENS; t++) {
        for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
            const float value = values[t * BLOCK_CHANNELS + j];
            const bool finite = value - value == 0;
            low[j] = finite && value < low[j] ? value : low[j];
            high[j] = finite && value > high[j] ? value : high[j];
        }
    }
    float inverse[BLOCK_CHANNELS];
    for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
        if (low[j] > high[j]) { // no token that counts
            low[j] = high[j] = 0;
        }
        scales[j] = half_from_float((high[j] - low[j]) / 15);
        minima[j] = half_from_float(low[j]); // exact, as it is one of the keys
        // codes are the nearest on the grid that will be read back
        inverse[j] = scales[j] == 0 ? 0 : 1 / float_from_half(scales[j]);
    }
    for (int32_t t = 0; t < FASA_PAGE_TOKENS; t++) {
        uint8_t code[BLOCK_CHANNELS];
        for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
            float x = (values[t * BLOCK_CHANNELS + j] - low[j]) * inverse[j] + 0.5f;
            x = x > 0 ? x : 0; // NaN, too
            x = x < 15 ? x : 15;
            code[j] = (uint8_t) (int32_t) x;
        }
        uint8_t * bytes = codes + t / BLOCK_TOKENS * tile_stride + t % BLOCK_TOKENS * 4;
        for (int32_t j = 0; j < 4; j++) {
            bytes[j] = (uint8_t) (code[j] | code[j + 4] << 4);
        }
    }
}

static void page_encode(const uint16_t * keys, size_t row_stride, const int32_t * channels, int32_t n_channels, int32_t n_exact,
    void * page) {
    const int32_t n_blocks = (n_channels + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS;
    uint16_t * scales = (uint16_t *) page;
    uint16_t * minima = scales + n_blocks * BLOCK_CHANNELS;
    uint8_t * codes = (uint8_t *) page + page_ranges_bytes(n_blocks);
    for (uint8_t * gap = (uint8_t *) (minima + n_blocks * BLOCK_CHANNELS); gap < codes; gap++) {
        *gap = 0; // so that equal keys give equal bytes
    }
    for (int32_t b = 0; b < n_blocks; b++) {
        uint16_t halves[FASA_PAGE_TOKENS * BLOCK_CHANNELS];
        float values[FASA_PAGE_TOKENS * BLOCK_CHANNELS];
        const int32_t n = n_channels - b * BLOCK_CHANNELS < BLOCK_CHANNELS ? n_channels - b * BLOCK_CHANNELS : BLOCK_CHANNELS;
        for (int32_t t = 0; t < FASA_PAGE_TOKENS; t++) {
            for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
                halves[t * BLOCK_CHANNELS + j] = j < n ? keys[t * row_stride + channels[b * BLOCK_CHANNELS + j]] : 0;
            }
        }
        for (int32_t i = 0; i < FASA_PAGE_TOKENS * BLOCK_CHANNELS; i += VF_N) {
            vf_store(values + i, vf_load_f16(halves + i));
        }
        page_encode_block(values, n_exact, scales + b * BLOCK_CHANNELS, minima + b * BLOCK_CHANNELS, codes + b * BLOCK_BYTES,
            (size_t) n_blocks * BLOCK_BYTES);
    }
}

// a query head against one page: q . key = base + step * (query . code), query an int8 vector
struct page_query {
    float step;
    float base;
    int8_t codes[FASA_HEAD_SIZE_MAX + VF_N];
};

FASA_INLINE vf load_part(const float * p, int32_t n) {
    return n >= VF_N ? vf_load(p) : n > 0 ? vf_load_part(p, n, 0)
                                          : vf {};
}

FASA_INLINE vf load_f16_part(const uint16_t * p, int32_t n) {
    return n >= VF_N ? vf_load_f16(p) : vf_load_f16_part(p, n);
}

// ranges of a page as floats, shared by the query heads
struct page_ranges {
    float scales[FASA_HEAD_SIZE_MAX + VF_N];
    float minima[FASA_HEAD_SIZE_MAX + VF_N];
};

static void page_ranges_load(page_ranges * ranges, const void * page, int32_t n) {
    const uint16_t * scales = (const uint16_t *) page;
    const uint16_t * minima = scales + n;
    for (int32_t c = 0; c < n; c += VF_N) {
        vf_store(ranges->scales + c, load_f16_part(scales + c, n - c));
        vf_store(ranges->minima + c, load_f16_part(minima + c, n - c));
    }
}

// With key = minimum + scale * code: q . key = q . minimum + (q * scale) . code. The second vector is rounded to int8 with
// one step. A code is 7.5 in the middle, so 7.5 times the sum of what was rounded away goes into the base; that halves
// the error that is left, which is well below that of the codes themselves.
FASA_INLINE void page_query_init(page_query * query, const float * q, int32_t n_channels, const page_ranges * ranges) {
    vf base = {}, largest = {};
    for (int32_t c = 0; c < n_channels; c += VF_N) {
        const vf x = load_part(q + c, n_channels - c);
        base = vf_fma(x, vf_load(ranges->minima + c), base);
        largest = vf_max(vf_from_bits(vf_bits(x * vf_load(ranges->scales + c)) & 0x7fffffff), largest);
    }
    const float limit = vf_largest(largest);
    const vf inverse = vf_set(limit > 0 ? 127 / limit : 0);
    const vf step = vf_set(limit / 127);
    const vf round = vf_set(0x1.8p23f); // adding it rounds to an integer, and leaves that in the low bits
    vf lost = {};
    for (int32_t c = 0; c < n_channels; c += VF_N) {
        const vf folded = load_part(q + c, n_channels - c) * vf_load(ranges->scales + c);
        const vf big = vf_fma(folded, inverse, round);
        lost += vf_fma(round - big, step, folded);
        vb_store(query->codes + c, vf_bits(big));
    }
    query->step = limit / 127;
    query->base = vf_sum(vf_fma(lost, vf_set(7.5f), base));
}

FASA_INLINE int32_t load_int32(const void * p) { return *(const int32_any *) p; }

// sums[h][v] = query h . codes of the VF_N tokens of vector v, an integer
// codes[v]: first block of vector v
FASA_INLINE void page_dots(const uint8_t * const * codes, int32_t n_blocks, const page_query * queries, const int32_t n_heads,
    vf (*sums)[DOT_VECTORS]) {
#if defined(__AVX512F__)
    const __m512i mask = _mm512_set1_epi8(15);
    __m512i total[FASA_HEADS][DOT_VECTORS];
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            total[h][v] = _mm512_setzero_si512();
        }
    }
    for (int32_t b = 0; b < n_blocks; b++) {
        __m512i low[DOT_VECTORS], high[DOT_VECTORS];
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            const __m512i packed = _mm512_loadu_si512(codes[v] + b * BLOCK_BYTES);
            low[v] = _mm512_and_si512(packed, mask);
            high[v] = _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask);
        }
        for (int32_t h = 0; h < n_heads; h++) {
            const int8_t * q = queries[h].codes + b * BLOCK_CHANNELS;
            const __m512i q_low = _mm512_set1_epi32(load_int32(q));
            const __m512i q_high = _mm512_set1_epi32(load_int32(q + 4));
            for (int32_t v = 0; v < DOT_VECTORS; v++) {
                total[h][v] = _mm512_dpbusd_epi32(total[h][v], low[v], q_low);
                total[h][v] = _mm512_dpbusd_epi32(total[h][v], high[v], q_high);
            }
        }
    }
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            sums[h][v] = (vf) _mm512_cvtepi32_ps(total[h][v]);
        }
    }
#elif defined(__AVX2__)
    const __m256i mask = _mm256_set1_epi8(15);
    __m256i total[FASA_HEADS][DOT_VECTORS];
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            total[h][v] = _mm256_setzero_si256();
        }
    }
    for (int32_t from = 0; from < n_blocks; from += 4) { // 4 blocks: at most 16*15*128 < 2^15 in a 16-bit lane
        const int32_t to = from + 4 < n_blocks ? from + 4 : n_blocks;
        __m256i pairs[FASA_HEADS][DOT_VECTORS];
        for (int32_t h = 0; h < n_heads; h++) {
            for (int32_t v = 0; v < DOT_VECTORS; v++) {
                pairs[h][v] = _mm256_setzero_si256();
            }
        }
        for (int32_t b = from; b < to; b++) {
            __m256i low[DOT_VECTORS], high[DOT_VECTORS];
            for (int32_t v = 0; v < DOT_VECTORS; v++) {
                const __m256i packed = _mm256_loadu_si256((const __m256i *) (codes[v] + b * BLOCK_BYTES));
                low[v] = _mm256_and_si256(packed, mask);
                high[v] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
            }
            for (int32_t h = 0; h < n_heads; h++) {
                const int8_t * q = queries[h].codes + b * BLOCK_CHANNELS;
                const __m256i q_low = _mm256_set1_epi32(load_int32(q));
                const __m256i q_high = _mm256_set1_epi32(load_int32(q + 4));
                for (int32_t v = 0; v < DOT_VECTORS; v++) {
                    pairs[h][v] = _mm256_add_epi16(pairs[h][v], _mm256_maddubs_epi16(low[v], q_low));
                    pairs[h][v] = _mm256_add_epi16(pairs[h][v], _mm256_maddubs_epi16(high[v], q_high));
                }
            }
        }
        for (int32_t h = 0; h < n_heads; h++) {
            for (int32_t v = 0; v < DOT_VECTORS; v++) {
                total[h][v] = _mm256_add_epi32(total[h][v], _mm256_madd_epi16(pairs[h][v], _mm256_set1_epi16(1)));
            }
        }
    }
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            sums[h][v] = (vf) _mm256_cvtepi32_ps(total[h][v]);
        }
    }
#elif defined(FASA_NEON)
    int32x4_t total[FASA_HEADS][DOT_VECTORS];
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            total[h][v] = vdupq_n_s32(0);
        }
    }
    for (int32_t b = 0; b < n_blocks; b++) {
        int8x16_t low[DOT_VECTORS], high[DOT_VECTORS];
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            const uint8x16_t packed = vld1q_u8(codes[v] + b * BLOCK_BYTES);
            low[v] = vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
            high[v] = vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
        }
        for (int32_t h = 0; h < n_heads; h++) {
            const int8x8_t q = vld1_s8(queries[h].codes + b * BLOCK_CHANNELS);
            for (int32_t v = 0; v < DOT_VECTORS; v++) {
                total[h][v] = vdotq_lane_s32(vdotq_lane_s32(total[h][v], low[v], q, 0), high[v], q, 1);
            }
        }
    }
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            sums[h][v] = (vf) vcvtq_f32_s32(total[h][v]);
        }
    }
#else
    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            sums[h][v] = vf {};
        }
    }
    for (int32_t b = 0; b < n_blocks; b++) { // whole numbers below 2^24, so floats lose nothing
        vi packed[DOT_VECTORS];
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            packed[v] = vi_load(codes[v] + b * BLOCK_BYTES);
        }
        for (int32_t j = 0; j < 8; j++) {
            const int32_t shift = j < 4 ? 8 * j : 8 * (j - 4) + 4;
            for (int32_t h = 0; h < n_heads; h++) {
                const vf q = vf_set(queries[h].codes[b * BLOCK_CHANNELS + j]);
                for (int32_t v = 0; v < DOT_VECTORS; v++) {
                    sums[h][v] += __builtin_convertvector((packed[v] >> shift) & 15, vf) * q;
                }
            }
        }
    }
#endif
}

// n_heads is a constant where this is expanded, so that the sums stay in registers
FASA_INLINE void tip_page_heads(const float * q, const int32_t n_heads, int32_t n_channels, const void * page,
    const page_ranges * ranges, float prior, float * scores, size_t score_stride) {
    const int32_t n_blocks = (n_channels + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS;
    const uint8_t * first = (const uint8_t *) page + page_ranges_bytes(n_blocks);
    page_query queries[FASA_HEADS];
    for (int32_t h = 0; h < n_heads; h++) {
        page_query_init(&queries[h], q + h * n_channels, n_channels, ranges);
        queries[h].base += prior;
    }
    for (int32_t t = 0; t < FASA_PAGE_TOKENS; t += DOT_VECTORS * VF_N) {
        const uint8_t * codes[DOT_VECTORS];
        for (int32_t v = 0; v < DOT_VECTORS; v++) {
            const int32_t token = t + v * VF_N;
            codes[v] = first + token / BLOCK_TOKENS * (size_t) n_blocks * BLOCK_BYTES + token % BLOCK_TOKENS * 4;
        }
        for (int32_t b = 0; b < n_blocks * DOT_VECTORS * VF_N / BLOCK_TOKENS; b++) { // as much as this step reads
            __builtin_prefetch(codes[0] + b * BLOCK_BYTES + PREFETCH_BYTES);
        }
        vf sums[FASA_HEADS][DOT_VECTORS];
        page_dots(codes, n_blocks, queries, n_heads, sums);
        for (int32_t h = 0; h < n_heads; h++) {
            for (int32_t v = 0; v < DOT_VECTORS; v++) {
                vf_store(scores + h * score_stride + t + v * VF_N,
                    vf_fma(sums[h][v], vf_set(queries[h].step), vf_set(queries[h].base)));
            }
        }
    }
}

static void tip_page(const float * q, int32_t n_q, int32_t n_channels, const void * page, float prior, float * scores, size_t score_stride) {
    page_ranges ranges;
    page_ranges_load(&ranges, page, (n_channels + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS * BLOCK_CHANNELS);
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        const float * head = q + (size_t) h * n_channels;
        float * to = scores + h * score_stride;
        switch (n_q - h) {
            case 1: tip_page_heads(head, 1, n_channels, page, &ranges, prior, to, score_stride); break;
#if FASA_HEADS > 2
            case 2: tip_page_heads(head, 2, n_channels, page, &ranges, prior, to, score_stride); break;
            case 3: tip_page_heads(head, 3, n_channels, page, &ranges, prior, to, score_stride); break;
#endif
            default: tip_page_heads(head, FASA_HEADS, n_channels, page, &ranges, prior, to, score_stride); break;
        }
    }
}
