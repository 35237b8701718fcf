#pragma once

// Vectors of VF_N floats for kernels_impl.cc, as the compilers' vector types, so that + * < ?: are written plainly; only
// what these cannot say is intrinsics. Included once per instruction set: all is static, and no header with inline
// functions of the standard library comes in, for the linker could keep the AVX-512 copy of one for every CPU.

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#define FASA_NEON
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define FASA_INLINE static inline __attribute__((always_inline, unused))

#if defined(__AVX512F__)
#define VF_N 16
#define FASA_HEADS 4 // query heads taken together: accumulators of 4 rows x 4 heads fit 32 registers
#elif defined(__AVX2__)
#define VF_N 8
#define FASA_HEADS 2
#elif defined(FASA_NEON)
#define VF_N 4
#define FASA_HEADS 4
#else
#define VF_N 4
#define FASA_HEADS 2
#endif

typedef float vf __attribute__((vector_size(VF_N * 4)));
typedef int32_t vi __attribute__((vector_size(VF_N * 4)));
typedef float vf4 __attribute__((vector_size(16)));
// the same with the alignment of one element
typedef float vf_any __attribute__((vector_size(VF_N * 4), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(VF_N * 4), aligned(4), may_alias));
typedef float vf4_any __attribute__((vector_size(16), aligned(4), may_alias));

FASA_INLINE vf vf_set(float x) { return x - (vf) {}; }
FASA_INLINE vi vi_set(int32_t x) { return x - (vi) {}; }
FASA_INLINE vf vf_load(const float * p) { return *(const vf_any *) p; }
FASA_INLINE vi vi_load(const void * p) { return *(const vi_any *) p; }
FASA_INLINE void vf_store(float * p, vf x) { *(vf_any *) p = x; }
FASA_INLINE void vi_store(void * p, vi x) { *(vi_any *) p = x; }
FASA_INLINE vf vf_from_bits(vi x) { return (vf) x; }
FASA_INLINE vi vf_bits(vf x) { return (vi) x; }

// NaN in x gives y
FASA_INLINE vf vf_max(vf x, vf y) { return x > y ? x : y; }
FASA_INLINE vi vi_max(vi x, vi y) { return x > y ? x : y; }

// a*b + c
FASA_INLINE vf vf_fma(vf a, vf b, vf c) {
#if defined(__AVX512F__)
    return (vf) _mm512_fmadd_ps((__m512) a, (__m512) b, (__m512) c);
#elif defined(__AVX2__)
    return (vf) _mm256_fmadd_ps((__m256) a, (__m256) b, (__m256) c);
#elif defined(FASA_NEON)
    return (vf) vfmaq_f32((float32x4_t) c, (float32x4_t) a, (float32x4_t) b);
#else
    return a * b + c;
#endif
}

// the first n (1 to VF_N - 1) of p; the other lanes are rest
FASA_INLINE vf vf_load_part(const float * p, int32_t n, float rest) {
    float lanes[VF_N];
    for (int32_t i = 0; i < VF_N; i++) {
        lanes[i] = i < n ? p[i] : rest;
    }
    return vf_load(lanes);
}

FASA_INLINE void vf_store_part(float * p, vf x, int32_t n) {
    float lanes[VF_N];
    vf_store(lanes, x);
    for (int32_t i = 0; i < n; i++) {
        p[i] = lanes[i];
    }
}

// f16 to f32, subnormals included
FASA_INLINE vf vf_load_f16(const uint16_t * p) {
#if defined(__AVX512F__)
    return (vf) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p));
#elif defined(__AVX2__)
    return (vf) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p));
#elif defined(FASA_NEON)
    return (vf) vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#else
    // exponent and mantissa moved into place are the value times 2^-112; a product rescales, and rounds nothing
    const vi half = { p[0], p[1], p[2], p[3] };
    const vi size = half & 0x7fff;
    const vi value = vf_bits(vf_from_bits(size << 13) * vf_set(0x1p112f));
    const vi odd = (size << 13) + ((255 - 31) << 23); // infinity and NaN
    return vf_from_bits((size >= 0x7c00 ? odd : value) | (half & 0x8000) << 16);
#endif
}

FASA_INLINE vf vf_load_f16_part(const uint16_t * p, int32_t n) {
    uint16_t lanes[VF_N] = { 0 };
    for (int32_t i = 0; i < n; i++) {
        lanes[i] = p[i];
    }
    return vf_load_f16(lanes);
}

// the sums of four vectors
FASA_INLINE vf4 vf_sum4(vf a, vf b, vf c, vf d) {
#if defined(__AVX512F__) || defined(__AVX2__)
#if defined(__AVX512F__)
    const __m256 a8 = _mm256_add_ps(_mm512_castps512_ps256((__m512) a), _mm512_extractf32x8_ps((__m512) a, 1));
    const __m256 b8 = _mm256_add_ps(_mm512_castps512_ps256((__m512) b), _mm512_extractf32x8_ps((__m512) b, 1));
    const __m256 c8 = _mm256_add_ps(_mm512_castps512_ps256((__m512) c), _mm512_extractf32x8_ps((__m512) c, 1));
    const __m256 d8 = _mm256_add_ps(_mm512_castps512_ps256((__m512) d), _mm512_extractf32x8_ps((__m512) d, 1));
#else
    const __m256 a8 = (__m256) a, b8 = (__m256) b, c8 = (__m256) c, d8 = (__m256) d;
#endif
    const __m256 all = _mm256_hadd_ps(_mm256_hadd_ps(a8, b8), _mm256_hadd_ps(c8, d8));
    return (vf4) _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
#elif defined(FASA_NEON)
    return (vf4) vpaddq_f32(vpaddq_f32((float32x4_t) a, (float32x4_t) b), vpaddq_f32((float32x4_t) c, (float32x4_t) d));
#else
    return vf4 { a[0] + a[1] + a[2] + a[3], b[0] + b[1] + b[2] + b[3], c[0] + c[1] + c[2] + c[3], d[0] + d[1] + d[2] + d[3] };
#endif
}

FASA_INLINE float vf_sum(vf x) {
    return vf_sum4(x, x, x, x)[0];
}

// the largest lane; there is no NaN among them
FASA_INLINE float vf_largest(vf x) {
#if defined(__AVX512F__)
    return _mm512_reduce_max_ps((__m512) x);
#elif defined(FASA_NEON)
    return vmaxvq_f32((float32x4_t) x);
#else
#if defined(__AVX2__)
    const vf4 a = (vf4) _mm_max_ps(_mm256_castps256_ps128((__m256) x), _mm256_extractf128_ps((__m256) x, 1));
#else
    const vf4 a = x;
#endif
    const float b = a[0] > a[1] ? a[0] : a[1];
    const float c = a[2] > a[3] ? a[2] : a[3];
    return b > c ? b : c;
#endif
}

// the low byte of each lane, in order
FASA_INLINE void vb_store(int8_t * p, vi x) {
#if defined(__AVX512F__)
    _mm_storeu_si128((__m128i *) p, _mm512_cvtepi32_epi8((__m512i) x));
#else
    for (int32_t i = 0; i < VF_N; i++) {
        p[i] = (int8_t) x[i];
    }
#endif
}

// exp(x) for x <= 0, within 1e-6 of the value down to -16 and 4e-6 below; 0 from -104 on at the latest, and for NaN
FASA_INLINE vf vf_exp(vf x) {
    // 2^n * 2^f with n + f = x / ln 2, |f| <= 1/2. 2^f = 1 + f*p(f), p interpolated at the Chebyshev nodes: within 2e-7
    x = vf_max(x, vf_set(-120.0f)); // NaN, too; so that n stays small
    const vf inverse_ln2 = vf_set(1.44269504088896341f);
#if defined(__AVX512F__)
    const vf n = (vf) _mm512_roundscale_ps((__m512) (x * inverse_ln2), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    const vf round = vf_set(0x1.8p23f); // adding it rounds to an integer, and leaves that in the low bits
    const vf big = x * inverse_ln2 + round;
    const vf n = big - round;
#endif
    const vf f = vf_fma(x, inverse_ln2, -n);
    vf p = vf_fma(f, vf_set(0.00133813021f), vf_set(0.00966636837f));
    p = vf_fma(p, f, vf_set(0.0555038117f));
    p = vf_fma(p, f, vf_set(0.240223497f));
    p = vf_fma(p, f, vf_set(0.693147182f));
    p = vf_fma(p, f, vf_set(1.0f));
#if defined(__AVX512F__)
    return (vf) _mm512_scalef_ps((__m512) p, (__m512) n);
#else
    const vi scaled = vf_bits(p) + (vf_bits(big) << 23); // n into the exponent's bits
    return n > -126.0f ? vf_from_bits(scaled) : vf {};
#endif
}

// exp(x) for x <= 0, within 8e-5 of the value, without jumps: as precise as a ranking needs whose scores are of 4-bit keys. 0
// from -104 on at the latest, and for NaN.
FASA_INLINE vf vf_exp_near(vf x) {
    // 2^n * 2^f with n = floor(x / ln 2), 0 <= f < 1. 2^f is the cubic with the least relative error (Remez), whose errors at
    // 0 and 1 are equal
    x = vf_max(x, vf_set(-120.0f)); // NaN, too; so that n stays small
    const vf t = x * vf_set(1.44269504088896341f);
#if defined(__AVX512F__)
    const vf f = (vf) _mm512_reduce_ps((__m512) t, _MM_FROUND_TO_NEG_INF);
#else
    const vf round = vf_set(0x1.8p23f); // adding it rounds to an integer, and leaves that in the low bits
    const vf big = t - 0.5f + round;
    const vf f = t - (big - round); // rounded to the other side of an integer, f is a little below 0 or above 1
#endif
    vf p = vf_fma(f, vf_set(0.0780245227f), vf_set(0.226067155f));
    p = vf_fma(p, f, vf_set(0.695833541f));
    p = vf_fma(p, f, vf_set(0.999925219f));
#if defined(__AVX512F__)
    return (vf) _mm512_scalef_ps((__m512) p, (__m512) t); // by the floor of t
#else
    const vi scaled = vf_bits(p) + (vf_bits(big) << 23); // n into the exponent's bits
    return big - round > -126.0f ? vf_from_bits(scaled) : vf {};
#endif
}
