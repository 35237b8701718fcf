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

typedef float   vf __attribute__((vector_size(VF_N*4)));
typedef int32_t vi __attribute__((vector_size(VF_N*4)));
typedef float   vf4 __attribute__((vector_size(16)));
// the same with the alignment of one element
typedef float   vf_any __attribute__((vector_size(VF_N*4), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(VF_N*4), aligned(4), may_alias));
typedef float   vf4_any __attribute__((vector_size(16), aligned(4), may_alias));

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
    return a*b + c;
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
    const vi half  = { p[0], p[1], p[2], p[3] };
    const vi size  = half & 0x7fff;
    const vi value = vf_bits(vf_from_bits(size << 13)*vf_set(0x1p112f));
    const vi odd   = (size << 13) + ((255 - 31) << 23); // infinity and NaN
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

// the largest lane; a vector of NaN gives -infinity
FASA_INLINE float vf_largest(vf x) {
    float best = -__builtin_inff();
    for (int32_t i = 0; i < VF_N; i++) {
        best = x[i] > best ? x[i] : best;
    }
    return best;
}

// exp(x) for x <= 0, within 2e-7 of the value; 0 below -87 and for NaN
// x = n ln 2 + r with |r| <= ln 2 / 2, the series of exp(r) up to r^6, times 2^n by the exponent's bits
FASA_INLINE vf vf_exp(vf x) {
    const vf round = vf_set(0x1.8p23f); // adding it rounds to an integer, and leaves that in the low bits
    const vf big   = vf_fma(x, vf_set(1.44269504088896341f), round);
    const vf n     = big - round;
    // ln 2 in two parts, the first of few bits, so that n times it is exact without a fused product, too
    const vf r = vf_fma(n, vf_set(2.12194440054690583e-4f), vf_fma(n, vf_set(-0.693359375f), x));
    vf p = vf_fma(r, vf_set(1.0f/720), vf_set(1.0f/120));
    p = vf_fma(p, r, vf_set(1.0f/24));
    p = vf_fma(p, r, vf_set(1.0f/6));
    p = vf_fma(p, r, vf_set(0.5f));
    p = vf_fma(p, r, vf_set(1.0f));
    p = vf_fma(p, r, vf_set(1.0f));
    const vi scaled = vf_bits(p) + (vf_bits(big) << 23);
    return x > -87.0f ? vf_from_bits(scaled) : vf {};
}
