#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

#define EXTERN_TABLE(name) extern const fasa_kernels fasa_kernels_##name

EXTERN_TABLE(plain);
#if defined(__x86_64__)
EXTERN_TABLE(avx2);
EXTERN_TABLE(avx512);
#elif defined(__aarch64__)
EXTERN_TABLE(neon);
#endif

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace {

struct kernel_list {
    const fasa_kernels * tables[4];
    int32_t n = 0;

    kernel_list() {
        tables[n++] = &fasa_kernels_plain;
#if defined(__x86_64__)
        // these checks include the operating system's support for the wider registers (XCR0); f16c is asked of the CPU itself,
        // for not every supported compiler knows its name here
        __builtin_cpu_init();
        unsigned a, b, c, d;
        const bool f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
        const bool avx2 = f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
        if (avx2) {
            tables[n++] = &fasa_kernels_avx2;
        }
        if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")) {
            tables[n++] = &fasa_kernels_avx512;
        }
#elif defined(__aarch64__) && defined(__linux__)
        const unsigned long caps = getauxval(AT_HWCAP);
        if ((caps & HWCAP_ASIMDDP) && (caps & HWCAP_ASIMDHP)) {
            tables[n++] = &fasa_kernels_neon;
        }
#elif defined(__aarch64__)
        tables[n++] = &fasa_kernels_neon; // every Apple processor since the M1 has dot product and f16 arithmetic
#endif
    }
};

const kernel_list & kernels_list() {
    static const kernel_list list;
    return list;
}

size_t round_up_64(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

} // namespace

const fasa_kernels * const * fasa_kernels_all(int32_t * n) {
    *n = kernels_list().n;
    return kernels_list().tables;
}

const fasa_kernels * fasa_kernels_best() {
    const kernel_list & list = kernels_list();
    if (const char * wanted = getenv("FASA_KERNELS")) {
        for (int32_t i = 0; i < list.n; i++) {
            if (strcmp(list.tables[i]->name, wanted) == 0) {
                return list.tables[i];
            }
        }
    }
    return list.tables[list.n - 1];
}

size_t fasa_page_bytes(int32_t n_channels) {
    const size_t n_padded = (size_t) (n_channels + 7) / 8 * 8;
    return round_up_64(2 * sizeof(uint16_t) * n_padded) + FASA_PAGE_TOKENS / 2 * n_padded;
}

size_t fasa_top_k_scratch_bytes(int32_t n) {
    // keys and indices of candidates, which may be all, with room for a vector stored whole at the end of each
    return round_up_64(2 * sizeof(int32_t) * ((size_t) n + 64));
}
