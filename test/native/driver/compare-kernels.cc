// Compares every table of kernels that this processor runs with the plain one, on random data. For processors that the test
// machine does not have: scripts/test-neon.mjs cross-compiles it and runs it under an emulator. Prints one line a check, ends
// with 1 when one failed.

#include "kernels/kernels.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

namespace {

std::mt19937 random_bits(1);
int n_failed = 0;

float uniform(float from, float to) { return std::uniform_real_distribution<float>(from, to)(random_bits); }

// f16 of a value in the normal range
uint16_t half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    const int32_t exponent = (int32_t) ((bits >> 23) & 255) - 127 + 15;
    if (exponent <= 0) {
        return (uint16_t) ((bits >> 16) & 0x8000);
    }
    return (uint16_t) ((bits >> 16 & 0x8000) | (exponent << 10) | (bits >> 13 & 0x3ff));
}

std::vector<float> floats(size_t n, float size) {
    std::vector<float> out(n);
    for (float & x : out) {
        x = uniform(-size, size);
    }
    return out;
}

std::vector<uint16_t> halves(size_t n, float size) {
    std::vector<uint16_t> out(n);
    for (uint16_t & x : out) {
        x = half(uniform(-size, size));
    }
    return out;
}

void report(const fasa_kernels & k, const char * what, int32_t d, int32_t n_q, double error, double most) {
    const bool ok = error <= most;
    n_failed += !ok;
    printf("%-4s %s %s d %d, %d query heads: error %.3g, at most %.3g\n", ok ? "ok" : "FAIL", k.name, what, d, n_q, error, most);
}

double largest_difference(const std::vector<float> & a, const std::vector<float> & b) {
    double most = 0;
    for (size_t i = 0; i < a.size(); i++) {
        const double difference = std::fabs((double) a[i] - b[i]);
        most = difference > most || std::isnan(difference) ? difference : most;
    }
    return most;
}

void compare_pages(const fasa_kernels & plain, const fasa_kernels & other, int32_t d, int32_t n_q) {
    const int32_t n_channels = d / 2;
    const std::vector<uint16_t> keys = halves((size_t) FASA_PAGE_TOKENS * 2 * d, 4);
    std::vector<int32_t> channels;
    for (int32_t i = 0; i < n_channels; i++) {
        channels.push_back(2 * i);
    }
    std::vector<char> page(fasa_page_bytes(n_channels) + 64), page2(page.size());
    char * aligned = (char *) (((uintptr_t) page.data() + 63) & ~(uintptr_t) 63);
    char * aligned2 = (char *) (((uintptr_t) page2.data() + 63) & ~(uintptr_t) 63);
    plain.page_encode(keys.data(), 2 * d, channels.data(), n_channels, 4, aligned);
    other.page_encode(keys.data(), 2 * d, channels.data(), n_channels, 4, aligned2);
    report(other, "page_encode", d, n_q, memcmp(aligned, aligned2, fasa_page_bytes(n_channels)) != 0, 0);

    const std::vector<float> q = floats((size_t) n_q * n_channels, 0.3f);
    std::vector<float> a((size_t) n_q * FASA_PAGE_TOKENS), b(a.size());
    plain.tip_page(q.data(), n_q, n_channels, aligned, 0.5f, a.data(), FASA_PAGE_TOKENS);
    other.tip_page(q.data(), n_q, n_channels, aligned, 0.5f, b.data(), FASA_PAGE_TOKENS);
    // a value on the border between two steps of int8 may be rounded either way
    report(other, "tip_page", d, n_q, largest_difference(a, b), 0.02);
    plain.tip_rows(q.data(), n_q, channels.data(), n_channels, keys.data(), 2 * d, 77, a.data(), FASA_PAGE_TOKENS);
    other.tip_rows(q.data(), n_q, channels.data(), n_channels, keys.data(), 2 * d, 77, b.data(), FASA_PAGE_TOKENS);
    report(other, "tip_rows", d, n_q, largest_difference(a, b), 1e-4);
}

void compare_choice(const fasa_kernels & plain, const fasa_kernels & other, int32_t n_q) {
    const int32_t n = 5003;
    std::vector<float> scores = floats((size_t) n_q * n, 8), scores2 = scores, a(n), b(n);
    plain.importance(scores.data(), n, n_q, n, a.data());
    other.importance(scores2.data(), n, n_q, n, b.data());
    report(other, "importance", 0, n_q, largest_difference(a, b), 1e-6);
    for (const int32_t n_chosen : { 1, 220, 4990 }) {
        std::vector<int32_t> chosen(n_chosen), chosen2(n_chosen);
        std::vector<char> scratch(fasa_top_k_scratch_bytes(n) + 64);
        void * aligned = (void *) (((uintptr_t) scratch.data() + 63) & ~(uintptr_t) 63);
        plain.top_k(a.data(), 4, n - 3, n_chosen, chosen.data(), aligned);
        other.top_k(a.data(), 4, n - 3, n_chosen, chosen2.data(), aligned);
        report(other, "top_k", n_chosen, n_q, chosen != chosen2, 0);
    }
}

void compare_rows(const fasa_kernels & plain, const fasa_kernels & other, int32_t d, int32_t n_q, bool q8) {
    const int32_t n = 131;
    const size_t stride = q8 ? (size_t) 2 * d / 32 * 17 : 2 * d;
    std::vector<uint16_t> data = halves(n * stride, 1);
    if (q8) {
        for (size_t block = 0; block < n * stride; block += 17) {
            for (size_t i = 1; i < 17; i++) {
                data[block + i] = (uint16_t) random_bits();
            }
            data[block] = half(uniform(0.001f, 0.02f));
        }
    }
    std::vector<const uint16_t *> rows;
    for (int32_t i = 0; i < n; i++) {
        rows.push_back(data.data() + (size_t) ((i * 37) % n) * stride);
    }
    const std::vector<float> q = floats((size_t) n_q * d, 0.5f);
    std::vector<float> a((size_t) n_q * n), b(a.size()), out_a((size_t) n_q * d), out_b(out_a.size());
    const float scale = 1.0f / std::sqrt((float) d);
    (q8 ? plain.row_logits_q8 : plain.row_logits)(q.data(), n_q, d, rows.data(), n, scale, a.data(), n);
    (q8 ? other.row_logits_q8 : other.row_logits)(q.data(), n_q, d, rows.data(), n, scale, b.data(), n);
    report(other, q8 ? "row_logits_q8" : "row_logits", d, n_q, largest_difference(a, b), 1e-4);
    for (int32_t h = 0; h < n_q; h++) {
        plain.softmax(a.data() + (size_t) h * n, n);
        other.softmax(b.data() + (size_t) h * n, n);
    }
    report(other, "softmax", d, n_q, largest_difference(a, b), 1e-5);
    (q8 ? plain.value_sum_q8 : plain.value_sum)(a.data(), n, n_q, d, rows.data(), n, out_a.data());
    (q8 ? other.value_sum_q8 : other.value_sum)(a.data(), n, n_q, d, rows.data(), n, out_b.data());
    report(other, q8 ? "value_sum_q8" : "value_sum", d, n_q, largest_difference(out_a, out_b), 1e-5);
}

} // namespace

int main() {
    int32_t n_tables = 0;
    const fasa_kernels * const * tables = fasa_kernels_all(&n_tables);
    for (int32_t i = 1; i < n_tables; i++) {
        for (const int32_t n_q : { 1, 2, 3, 4, 6, 7 }) {
            for (const int32_t d : { 64, 80, 96, 128, 256 }) {
                compare_pages(*tables[0], *tables[i], d, n_q);
                compare_rows(*tables[0], *tables[i], d, n_q, false);
                if (d % 32 == 0) {
                    compare_rows(*tables[0], *tables[i], d, n_q, true);
                }
            }
            compare_choice(*tables[0], *tables[i], n_q);
        }
    }
    printf("%d tables beside plain: %s", n_tables - 1, n_tables > 1 ? "" : "nothing was compared");
    for (int32_t i = 1; i < n_tables; i++) {
        printf("%s%s", tables[i]->name, i + 1 < n_tables ? ", " : "");
    }
    printf("; %d failed\n", n_failed);
    return n_failed > 0 || n_tables < 2;
}
