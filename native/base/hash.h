#pragma once

#include <cstddef>
#include <cstdint>

// XXH64 of the xxHash specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), seed 0
uint64_t hash_xxh64(const void * data, size_t size);
