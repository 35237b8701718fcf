#include "base/hash.h"

#include <cstring>

static constexpr uint64_t PRIME_1 = 0x9E3779B185EBCA87, PRIME_2 = 0xC2B2AE3D27D4EB4F, PRIME_3 = 0x165667B19E3779F9,
                          PRIME_4 = 0x85EBCA77C2B2AE63, PRIME_5 = 0x27D4EB2F165667C5;

template <typename T> static T read_as(const unsigned char * p) {
    T value;
    memcpy(&value, p, sizeof(T)); // little endian, as all platforms that are supported
    return value;
}

static uint64_t rotated(uint64_t x, int n) { return x << n | x >> (64 - n); }

static uint64_t rounded(uint64_t acc, uint64_t lane) { return rotated(acc + lane * PRIME_2, 31) * PRIME_1; }

uint64_t hash_xxh64(const void * data, size_t size) {
    const unsigned char * p = (const unsigned char *) data;
    const unsigned char * end = p + size;
    uint64_t h = PRIME_5;
    if (size >= 32) {
        uint64_t acc[4] = { PRIME_1 + PRIME_2, PRIME_2, 0, (uint64_t) 0 - PRIME_1 };
        for (; end - p >= 32; p += 32) {
            for (int i = 0; i < 4; i++) {
                acc[i] = rounded(acc[i], read_as<uint64_t>(p + 8 * i));
            }
        }
        h = rotated(acc[0], 1) + rotated(acc[1], 7) + rotated(acc[2], 12) + rotated(acc[3], 18);
        for (const uint64_t a : acc) {
            h = (h ^ rounded(0, a)) * PRIME_1 + PRIME_4;
        }
    }
    h += size;
    for (; end - p >= 8; p += 8) {
        h = rotated(h ^ rounded(0, read_as<uint64_t>(p)), 27) * PRIME_1 + PRIME_4;
    }
    if (end - p >= 4) {
        h = rotated(h ^ read_as<uint32_t>(p) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        p += 4;
    }
    for (; p < end; p++) {
        h = rotated(h ^ *p * PRIME_5, 11) * PRIME_1;
    }
    h = (h ^ h >> 33) * PRIME_2;
    h = (h ^ h >> 29) * PRIME_3;
    return h ^ h >> 32;
}
