#pragma once

// A chunk of a file, encoded on its own after the anchor: rotated keys at its local positions, values, importance keys.
// Never changes. The file format: docs/chunk-files.md.

#include "base/mapped_file.h"
#include "kv/cache.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

constexpr uint32_t KV_CHUNK_VERSION = 1;

enum kv_row_type { KV_ROWS_F16 = 0,
    KV_ROWS_Q8_0 = 1 };

// What all chunks of one model and calibration have in common.
struct kv_chunk_layout {
    std::string fingerprint; // of the model, 16 hex digits
    int32_t n_layer = 0;
    int32_t n_head_kv = 0;
    int32_t head_size = 0;
    int32_t n_channels = 0; // of importance keys
    kv_row_type row_type = KV_ROWS_F16;

    size_t page_bytes() const { return fasa_page_bytes(n_channels); }
    size_t row_bytes() const; // K and V of one token, one layer and KV head
};

struct kv_chunk {
    kv_chunk_layout layout;
    int32_t n_tokens = 0;
    std::string file;    // where it is stored; empty: in memory alone
    std::string problem; // why it is not stored, for the log

    int32_t n_pages() const { return (n_tokens + FASA_PAGE_TOKENS - 1) / FASA_PAGE_TOKENS; }
    // K and V row of token t at + t*layout.row_bytes()
    const char * rows(int32_t il, int32_t head) const { return row_data + ((size_t) il * layout.n_head_kv + head) * n_tokens * layout.row_bytes(); }
    const char * page(int32_t il, int32_t head, int32_t i) const { return page_data + (((size_t) il * layout.n_head_kv + head) * n_pages() + i) * layout.page_bytes(); }

    size_t pages_bytes() const { return (size_t) layout.n_layer * layout.n_head_kv * n_pages() * layout.page_bytes(); }
    size_t rows_bytes() const { return (size_t) layout.n_layer * layout.n_head_kv * n_tokens * layout.row_bytes(); }
    int64_t fast_bytes() const { return (int64_t) (pages_bytes() + (map ? 0 : rows_bytes())); }
    int64_t slow_bytes() const { return map ? (int64_t) rows_bytes() : 0; }

    // From n_tokens cells of a cache, the first of them at cell begin.
    static std::shared_ptr<kv_chunk> from_cells(const kv_chunk_layout & layout, const kv_cache & kv, int32_t begin, int32_t n_tokens, const fasa_kernels * kernels);
    // Maps and verifies a file. in_memory: copies the rows, too (fasa-c). throws FILE_NOT_FOUND, FILE_UNREADABLE, BAD_CHUNK, OUT_OF_MEMORY
    static std::shared_ptr<kv_chunk> open(const kv_chunk_layout & layout, const std::string & path, const std::string & address, bool in_memory);

    // False, from then on, once the mapped file was found cut short or replaced: its rows must not be read. One stat.
    bool intact() const;

    // Writes a temporary file beside path and renames it. Returns what went wrong, or an empty string; no temporary file is left.
    // Not flushed: what a power cut leaves incomplete is found by its checksums when it is opened, and encoded again.
    std::string write(const std::string & path, const std::string & address) const;

private:
    const char * page_data = nullptr;
    const char * row_data = nullptr;
    std::unique_ptr<zeroed_memory> page_memory, row_memory;
    std::unique_ptr<mapped_file> map;
    mutable std::atomic<bool> lost = false;
};

// A chunk that a request retrieved.
struct retrieved_chunk {
    std::shared_ptr<const kv_chunk> chunk;
    float prior = 0; // added to predicted logits: for the choice alone
};

struct chunk_set {
    std::vector<retrieved_chunk> chunks;
    float bias = 0;     // added to the logits of chunk tokens
    int32_t n_late = 0; // tokens before the first decoded one that see the chunks

    int32_t n_tokens() const;
    void check_intact() const; // throws BAD_CHUNK for a file that was cut short or replaced
};
