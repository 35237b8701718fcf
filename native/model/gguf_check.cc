#include "model/gguf_check.h"

#include "base/error.h"

#include "ggml.h"
#include "gguf.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace {

// Far above any real model (a 405B Llama has 1,138 tensors and about 50 keys), far below what could exhaust memory.
constexpr uint64_t MAX_KEYS = 4096;
constexpr uint64_t MAX_TENSORS = 65536;
constexpr uint64_t MAX_KEY = 1024;      // bytes of a key
constexpr uint64_t MAX_ALIGN = 1 << 20; // bytes

struct reader {
    const char * data;
    size_t size;
    size_t pos = 0;

    size_t left() const { return size - pos; }

    template <typename T> T read(const char * what) {
        if (left() < sizeof(T)) {
            fail(ERROR_BAD_GGUF, "the file ends inside %s, at byte %zu", what, size);
        }
        T value;
        memcpy(&value, data + pos, sizeof(T));
        pos += sizeof(T);
        return value;
    }

    std::string_view read_string(const char * what, uint64_t max) {
        const uint64_t n = read<uint64_t>(what);
        if (n > max || n > left()) {
            fail(ERROR_BAD_GGUF, "%s claims %llu bytes, %zu are left in the file", what, (unsigned long long) n, left());
        }
        const std::string_view value(data + pos, n);
        pos += n;
        return value;
    }
};

// printable: hostile names must not write control characters into a terminal or a log
std::string printable(std::string_view s) {
    std::string out(s.substr(0, 96));
    for (char & c : out) {
        if ((unsigned char) c < 0x20 || (unsigned char) c >= 0x7f) {
            c = '?';
        }
    }
    return out;
}

// bytes of one scalar; 0 for strings and arrays
size_t type_bytes(uint32_t type) {
    constexpr size_t bytes[GGUF_TYPE_COUNT] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 }; // in the order of gguf_type
    static_assert(GGUF_TYPE_BOOL == 7 && GGUF_TYPE_STRING == 8 && GGUF_TYPE_ARRAY == 9 && GGUF_TYPE_FLOAT64 == 12);
    return type < GGUF_TYPE_COUNT ? bytes[type] : 0;
}

void check_values(reader & r, uint32_t type, uint64_t n, const std::string & key) {
    const std::string what = "the value of " + key;
    if (type == GGUF_TYPE_STRING) {
        if (n > r.left() / sizeof(uint64_t)) {
            fail(ERROR_BAD_GGUF, "%s claims %llu strings, %zu bytes are left in the file", what.c_str(), (unsigned long long) n, r.left());
        }
        for (uint64_t i = 0; i < n; i++) {
            r.read_string(what.c_str(), SIZE_MAX);
        }
        return;
    }
    const size_t bytes = type_bytes(type);
    if (bytes == 0) {
        fail(ERROR_BAD_GGUF, "%s has the unknown type %u", what.c_str(), type);
    }
    if (n > r.left() / bytes) {
        fail(ERROR_BAD_GGUF, "%s claims %llu values of %zu bytes, %zu bytes are left in the file",
            what.c_str(), (unsigned long long) n, bytes, r.left());
    }
    r.pos += n * bytes;
}

struct tensor_extent {
    std::string name;
    uint64_t offset;
    uint64_t bytes;
};

tensor_extent check_tensor(reader & r) {
    const std::string name = printable(r.read_string("a tensor's name", GGML_MAX_NAME - 1));
    const uint32_t n_dims = r.read<uint32_t>("a tensor's shape");
    if (n_dims == 0 || n_dims > GGML_MAX_DIMS) {
        fail(ERROR_BAD_GGUF, "tensor %s has %u dimensions", name.c_str(), n_dims);
    }
    uint64_t n = 1, row = 1;
    for (uint32_t i = 0; i < n_dims; i++) {
        const uint64_t ne = r.read<uint64_t>("a tensor's shape");
        if (ne == 0 || ne > INT64_MAX || __builtin_mul_overflow(n, ne, &n) || n > INT64_MAX) {
            fail(ERROR_BAD_GGUF, "tensor %s has an impossible size in dimension %u: %llu", name.c_str(), i, (unsigned long long) ne);
        }
        row = i == 0 ? ne : row;
    }
    const uint32_t type = r.read<uint32_t>("a tensor's type");
    if (type >= GGML_TYPE_COUNT || ggml_blck_size((ggml_type) type) == 0) {
        fail(ERROR_BAD_GGUF, "tensor %s has the unknown type %u", name.c_str(), type);
    }
    const uint64_t block = ggml_blck_size((ggml_type) type);
    if (row % block != 0) {
        fail(ERROR_BAD_GGUF, "tensor %s has rows of %llu values, not a multiple of %llu as its type %s needs",
            name.c_str(), (unsigned long long) row, (unsigned long long) block, ggml_type_name((ggml_type) type));
    }
    uint64_t bytes;
    if (__builtin_mul_overflow(n / block, (uint64_t) ggml_type_size((ggml_type) type), &bytes)) {
        fail(ERROR_BAD_GGUF, "tensor %s is too large to be real", name.c_str());
    }
    return { name, r.read<uint64_t>("a tensor's offset"), bytes };
}

} // namespace

void gguf_check_header(const char * data, size_t size) {
    reader r { data, size };
    if (size < 4 || memcmp(data, GGUF_MAGIC, 4) != 0) {
        fail(ERROR_NOT_GGUF, "the file is not a GGUF: it does not begin with the letters GGUF");
    }
    r.pos = 4;
    const uint32_t version = r.read<uint32_t>("the header");
    if (version < 2 || version > GGUF_VERSION) {
        fail(ERROR_BAD_GGUF, (version & 0xffff) == 0 ? "the file is big-endian (version %u)" : "GGUF version %u is not supported", version);
    }
    const uint64_t n_tensors = r.read<uint64_t>("the header");
    const uint64_t n_keys = r.read<uint64_t>("the header");
    if (n_keys > MAX_KEYS || n_tensors > MAX_TENSORS) {
        fail(ERROR_BAD_GGUF, "the header claims %llu keys and %llu tensors", (unsigned long long) n_keys, (unsigned long long) n_tensors);
    }

    std::unordered_set<std::string_view> names;
    uint64_t alignment = GGUF_DEFAULT_ALIGNMENT;
    for (uint64_t i = 0; i < n_keys; i++) {
        const std::string_view raw = r.read_string("a key", MAX_KEY);
        const std::string key = printable(raw);
        if (raw.empty() || !names.insert(raw).second) {
            fail(ERROR_BAD_GGUF, raw.empty() ? "key %llu is empty" : "key %llu is there twice", (unsigned long long) i);
        }
        uint32_t type = r.read<uint32_t>("a key's type");
        uint64_t n = 1;
        const bool is_array = type == GGUF_TYPE_ARRAY;
        if (is_array) {
            type = r.read<uint32_t>("an array's type");
            n = r.read<uint64_t>("an array's length");
        }
        if (raw == GGUF_KEY_GENERAL_ALIGNMENT) {
            if (is_array || type != GGUF_TYPE_UINT32) {
                fail(ERROR_BAD_GGUF, "%s has the wrong type", GGUF_KEY_GENERAL_ALIGNMENT);
            }
            reader peek = r;
            alignment = peek.read<uint32_t>("the alignment");
        }
        check_values(r, type, n, key);
    }
    if (alignment == 0 || alignment > MAX_ALIGN || (alignment & (alignment - 1)) != 0) {
        fail(ERROR_BAD_GGUF, "the alignment %llu is not a power of two below 1 MiB", (unsigned long long) alignment);
    }

    std::unordered_set<std::string> tensor_names;
    std::vector<tensor_extent> extents;
    for (uint64_t i = 0; i < n_tensors; i++) {
        extents.push_back(check_tensor(r));
        if (!tensor_names.insert(extents.back().name).second) {
            fail(ERROR_BAD_GGUF, "tensor %s is there twice", extents.back().name.c_str());
        }
    }

    const uint64_t begin = (r.pos + alignment - 1) / alignment * alignment;
    uint64_t expected = 0; // tensors are contiguous: ggml takes no other layout
    for (const tensor_extent & t : extents) {
        if (t.offset != expected) {
            fail(ERROR_BAD_GGUF, "tensor %s lies at offset %llu, expected %llu", t.name.c_str(), (unsigned long long) t.offset, (unsigned long long) expected);
        }
        if (begin > size || t.offset > size - begin || t.bytes > size - begin - t.offset) {
            fail(ERROR_BAD_GGUF, "the file is cut off: tensor %s needs bytes up to %llu, the file has %zu",
                t.name.c_str(), (unsigned long long) begin + t.offset + t.bytes, size);
        }
        expected = (t.offset + t.bytes + alignment - 1) / alignment * alignment;
    }
}
