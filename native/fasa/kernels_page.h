#pragma once

// Importance keys: how a page is written, and how a query is scored against it.
//
// Codes lie in blocks of 64 bytes: 16 tokens x 8 channels, byte 4*token + j holding channel j in its low half and channel
// j + 4 in its high half. So one 32-bit lane is four channels of one token, as the dot products of 8-bit integers take
// them (vpdpbusd, vpmaddubsw, sdot), and each byte is unpacked once for all query heads of the group.

#include "fasa/kernels.h"
#include "fasa/kernels_vector.h"

#define BLOCK_CHANNELS 8
#define BLOCK_TOKENS   16
#define BLOCK_BYTES    64

typedef int8_t vb __attribute__((vector_size(VF_N)));
typedef int8_t vb_any __attribute__((vector_size(VF_N), aligned(1), may_alias));

// f16 bits of x, |x| < 65520: to the nearest, ties to even in the normal range; anything over 0 stays over 0
static uint16_t half_from_float(float x) {
    const uint16_t sign = x < 0 ? 0x8000 : 0;
    const float    size = x < 0 ? -x : x;
    if (size < 0x1p-14f) { // subnormal: units of 2^-24
        const uint16_t units = (uint16_t) (size*0x1p24f + 0.5f);
        return sign | (units == 0 && size > 0 ? 1 : units);
    }
    union { float f; uint32_t u; } bits = { size };
    return sign | (uint16_t) (((bits.u + 0xfff + (bits.u >> 13 & 1)) >> 13) - (112 << 10));
}

static float float_from_half(uint16_t x) {
    uint16_t lanes[VF_N] = { x };
    return vf_load_f16(lanes)[0];
}

static size_t page_ranges_bytes(int32_t n_blocks) {
    return ((size_t) n_blocks*BLOCK_CHANNELS*2*sizeof(uint16_t) + 63)/64*64;
}

// one block of channels of a page; values: [FASA_PAGE_TOKENS][BLOCK_CHANNELS]
static void page_encode_block(const float * values, int32_t n_exact, uint16_t * scales, uint16_t * minima, uint8_t * codes,
                              size_t tile_stride) {
    float low[BLOCK_CHANNELS], high[BLOCK_CHANNELS];
    for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
        low[j]  = __builtin_inff();
        high[j] = -__builtin_inff();
    }
    for (int32_t t = n_exact; t < FASA_PAGE_TOKENS; t++) {
        for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
            const float value  = values[t*BLOCK_CHANNELS + j];
            const bool  finite = value - value == 0;
            low[j]  = finite && value < low[j] ? value : low[j];
            high[j] = finite && value > high[j] ? value : high[j];
        }
    }
    float inverse[BLOCK_CHANNELS];
    for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
        if (low[j] > high[j]) { // no token that counts
            low[j] = high[j] = 0;
        }
        scales[j] = half_from_float((high[j] - low[j])/15);
        minima[j] = half_from_float(low[j]); // exact, as it is one of the keys
        // codes are the nearest on the grid that will be read back
        inverse[j] = scales[j] == 0 ? 0 : 1/float_from_half(scales[j]);
    }
    for (int32_t t = 0; t < FASA_PAGE_TOKENS; t++) {
        uint8_t code[BLOCK_CHANNELS];
        for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
            float x = (values[t*BLOCK_CHANNELS + j] - low[j])*inverse[j] + 0.5f;
            x = x > 0 ? x : 0; // NaN, too
            x = x < 15 ? x : 15;
            code[j] = (uint8_t) (int32_t) x;
        }
        uint8_t * bytes = codes + t/BLOCK_TOKENS*tile_stride + t%BLOCK_TOKENS*4;
        for (int32_t j = 0; j < 4; j++) {
            bytes[j] = (uint8_t) (code[j] | code[j + 4] << 4);
        }
    }
}

static void page_encode(const uint16_t * keys, size_t row_stride, const int32_t * channels, int32_t n_channels, int32_t n_exact,
                        void * page) {
    const int32_t n_blocks = (n_channels + BLOCK_CHANNELS - 1)/BLOCK_CHANNELS;
    uint16_t * scales = (uint16_t *) page;
    uint16_t * minima = scales + n_blocks*BLOCK_CHANNELS;
    uint8_t  * codes  = (uint8_t *) page + page_ranges_bytes(n_blocks);
    for (uint8_t * gap = (uint8_t *) (minima + n_blocks*BLOCK_CHANNELS); gap < codes; gap++) {
        *gap = 0; // so that equal keys give equal bytes
    }
    for (int32_t b = 0; b < n_blocks; b++) {
        uint16_t halves[FASA_PAGE_TOKENS*BLOCK_CHANNELS];
        float    values[FASA_PAGE_TOKENS*BLOCK_CHANNELS];
        const int32_t n = n_channels - b*BLOCK_CHANNELS < BLOCK_CHANNELS ? n_channels - b*BLOCK_CHANNELS : BLOCK_CHANNELS;
        for (int32_t t = 0; t < FASA_PAGE_TOKENS; t++) {
            for (int32_t j = 0; j < BLOCK_CHANNELS; j++) {
                halves[t*BLOCK_CHANNELS + j] = j < n ? keys[t*row_stride + channels[b*BLOCK_CHANNELS + j]] : 0;
            }
        }
        for (int32_t i = 0; i < FASA_PAGE_TOKENS*BLOCK_CHANNELS; i += VF_N) {
            vf_store(values + i, vf_load_f16(halves + i));
        }
        page_encode_block(values, n_exact, scales + b*BLOCK_CHANNELS, minima + b*BLOCK_CHANNELS, codes + b*BLOCK_BYTES,
                          (size_t) n_blocks*BLOCK_BYTES);
    }
}

// a query head against one page: q . key = base + step * (query . code), query an int8 vector
struct page_query {
    float  step;
    float  base;
    int8_t codes[FASA_HEAD_SIZE_MAX + VF_N];
};

FASA_INLINE vf load_part(const float * p, int32_t n) {
    return n >= VF_N ? vf_load(p) : n > 0 ? vf_load_part(p, n, 0) : vf {};
}

FASA_INLINE vf load_f16_part(const uint16_t * p, int32_t n) {
    return n >= VF_N ? vf_load_f16(p) : vf_load_f16_part(p, n);
}

// With key = minimum + scale * code: q . key = q . minimum + (q * scale) . code. The second vector is rounded to int8 with
// one step. A code is 7.5 in the middle, so 7.5 times the sum of what was rounded away goes into the base; that halves
// the error that is left, which is well below that of the codes themselves.
static void page_query_init(page_query * query, const float * q, int32_t n_channels, const uint16_t * scales) {
    const int32_t n = (n_channels + BLOCK_CHANNELS - 1)/BLOCK_CHANNELS*BLOCK_CHANNELS;
    const uint16_t * minima = scales + n;
    float folded[FASA_HEAD_SIZE_MAX + VF_N];
    vf base = {}, largest = {};
    for (int32_t c = 0; c < n; c += VF_N) {
        const vf x = load_part(q + c, n_channels - c);
        const vf f = x*load_f16_part(scales + c, n - c);
        base    = vf_fma(x, load_f16_part(minima + c, n - c), base);
        largest = vf_max(vf_from_bits(vf_bits(f) & 0x7fffffff), largest);
        vf_store(folded + c, f);
    }
    const float limit = vf_largest(largest);
    const vf inverse = vf_set(limit > 0 ? 127/limit : 0);
    const vf step    = vf_set(limit/127);
    const vf round   = vf_set(0x1.8p23f);
    vf lost = {};
    for (int32_t c = 0; c < n; c += VF_N) {
        const vf f   = vf_load(folded + c);
        const vf big = vf_fma(f, inverse, round);
        lost += vf_fma(round - big, step, f);
        *(vb_any *) (query->codes + c) = __builtin_convertvector(vf_bits(big) << 24 >> 24, vb);
    }
    query->step = limit/127;
    query->base = vf_sum(vf_fma(lost, vf_set(7.5f), base));
}

// sums[h] = query h . codes of VF_N tokens, an integer; codes at the first token of the first block
FASA_INLINE void page_dots(const uint8_t * codes, int32_t n_blocks, const page_query * queries, const int32_t n_heads, vf * sums) {
#if defined(__AVX512F__)
    const __m512i mask = _mm512_set1_epi8(15);
    __m512i low[FASA_HEADS], high[FASA_HEADS];
    for (int32_t h = 0; h < n_heads; h++) {
        low[h] = high[h] = _mm512_setzero_si512();
    }
    for (int32_t b = 0; b < n_blocks; b++) {
        const __m512i packed = _mm512_loadu_si512(codes + b*BLOCK_BYTES);
        const __m512i first  = _mm512_and_si512(packed, mask);
        const __m512i second = _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask);
        for (int32_t h = 0; h < n_heads; h++) {
            int32_t q[2];
            __builtin_memcpy(q, queries[h].codes + b*BLOCK_CHANNELS, sizeof(q));
            low[h]  = _mm512_dpbusd_epi32(low[h], first, _mm512_set1_epi32(q[0]));
            high[h] = _mm512_dpbusd_epi32(high[h], second, _mm512_set1_epi32(q[1]));
        }
    }
    for (int32_t h = 0; h < n_heads; h++) {
        sums[h] = (vf) _mm512_cvtepi32_ps(_mm512_add_epi32(low[h], high[h]));
    }
#elif defined(__AVX2__)
    const __m256i mask = _mm256_set1_epi8(15);
    __m256i total[FASA_HEADS];
    for (int32_t h = 0; h < n_heads; h++) {
        total[h] = _mm256_setzero_si256();
    }
    for (int32_t from = 0; from < n_blocks; from += 4) { // 4 blocks: at most 16*15*128 < 2^15 in a 16-bit lane
        const int32_t to = from + 4 < n_blocks ? from + 4 : n_blocks;
        __m256i pairs[FASA_HEADS];
        for (int32_t h = 0; h < n_heads; h++) {
            pairs[h] = _mm256_setzero_si256();
        }
        for (int32_t b = from; b < to; b++) {
            const __m256i packed = _mm256_loadu_si256((const __m256i *) (codes + b*BLOCK_BYTES));
            const __m256i first  = _mm256_and_si256(packed, mask);
            const __m256i second = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
            for (int32_t h = 0; h < n_heads; h++) {
                int32_t q[2];
                __builtin_memcpy(q, queries[h].codes + b*BLOCK_CHANNELS, sizeof(q));
                pairs[h] = _mm256_add_epi16(pairs[h], _mm256_maddubs_epi16(first, _mm256_set1_epi32(q[0])));
                pairs[h] = _mm256_add_epi16(pairs[h], _mm256_maddubs_epi16(second, _mm256_set1_epi32(q[1])));
            }
        }
        for (int32_t h = 0; h < n_heads; h++) {
            total[h] = _mm256_add_epi32(total[h], _mm256_madd_epi16(pairs[h], _mm256_set1_epi16(1)));
        }
    }
    for (int32_t h = 0; h < n_heads; h++) {
        sums[h] = (vf) _mm256_cvtepi32_ps(total[h]);
    }
#elif defined(FASA_NEON)
    int32x4_t total[FASA_HEADS];
    for (int32_t h = 0; h < n_heads; h++) {
        total[h] = vdupq_n_s32(0);
    }
    for (int32_t b = 0; b < n_blocks; b++) {
        const uint8x16_t packed = vld1q_u8(codes + b*BLOCK_BYTES);
        const int8x16_t  first  = vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
        const int8x16_t  second = vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
        for (int32_t h = 0; h < n_heads; h++) {
            const int8x8_t q = vld1_s8(queries[h].codes + b*BLOCK_CHANNELS);
            total[h] = vdotq_lane_s32(vdotq_lane_s32(total[h], first, q, 0), second, q, 1);
        }
    }
    for (int32_t h = 0; h < n_heads; h++) {
        sums[h] = (vf) vcvtq_f32_s32(total[h]);
    }
#else
    for (int32_t h = 0; h < n_heads; h++) {
        sums[h] = vf {};
    }
    for (int32_t b = 0; b < n_blocks; b++) { // whole numbers below 2^24, so floats lose nothing
        const vi packed = vi_load(codes + b*BLOCK_BYTES);
        for (int32_t j = 0; j < 4; j++) {
            const vf first  = __builtin_convertvector((packed >> 8*j) & 15, vf);
            const vf second = __builtin_convertvector((packed >> (8*j + 4)) & 15, vf);
            for (int32_t h = 0; h < n_heads; h++) {
                const int8_t * q = queries[h].codes + b*BLOCK_CHANNELS + j;
                sums[h] += first*vf_set(q[0]) + second*vf_set(q[4]);
            }
        }
    }
#endif
}

// n_heads is a constant where this is expanded, so that the sums stay in registers
FASA_INLINE void tip_page_heads(const float * q, const int32_t n_heads, int32_t n_channels, const void * page, float * scores,
                                size_t score_stride) {
    const int32_t n_blocks = (n_channels + BLOCK_CHANNELS - 1)/BLOCK_CHANNELS;
    const uint8_t * codes = (const uint8_t *) page + page_ranges_bytes(n_blocks);
    page_query queries[FASA_HEADS];
    for (int32_t h = 0; h < n_heads; h++) {
        page_query_init(&queries[h], q + h*n_channels, n_channels, (const uint16_t *) page);
    }
    for (int32_t t = 0; t < FASA_PAGE_TOKENS; t += VF_N) {
        vf sums[FASA_HEADS];
        page_dots(codes + t/BLOCK_TOKENS*(size_t) n_blocks*BLOCK_BYTES + t%BLOCK_TOKENS*4, n_blocks, queries, n_heads, sums);
        for (int32_t h = 0; h < n_heads; h++) {
            vf_store(scores + h*score_stride + t, vf_fma(sums[h], vf_set(queries[h].step), vf_set(queries[h].base)));
        }
    }
}

static void tip_page(const float * q, int32_t n_q, int32_t n_channels, const void * page, float * scores, size_t score_stride) {
    for (int32_t h = 0; h < n_q; h += FASA_HEADS) {
        const float * head = q + (size_t) h*n_channels;
        float * to = scores + h*score_stride;
        switch (n_q - h) {
            case 1:  tip_page_heads(head, 1, n_channels, page, to, score_stride); break;
#if FASA_HEADS > 2
            case 2:  tip_page_heads(head, 2, n_channels, page, to, score_stride); break;
            case 3:  tip_page_heads(head, 3, n_channels, page, to, score_stride); break;
#endif
            default: tip_page_heads(head, FASA_HEADS, n_channels, page, to, score_stride); break;
        }
    }
}
