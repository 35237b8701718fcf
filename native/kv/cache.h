#pragma once

// The KV cache of one sequence on the CPU. Per layer and KV head the K row and the V row of a token lie side by side,
// f16, so that one fetch brings both; closed pages of FASA_PAGE_TOKENS tokens have importance keys, too.
// Memory is reserved for all cells and touched only as tokens come.

#include "kernels/kernels.h"
#include "model/hparams.h"

#include "ggml-cpp.h"

#include <cstdint>
#include <memory>
#include <vector>

// rows per graph step: K views of flash attention grow in these steps, the rest is masked
constexpr int32_t KV_CELL_STEP = 256;
inline int32_t kv_cells(int32_t n_tokens) { return (n_tokens + KV_CELL_STEP - 1) / KV_CELL_STEP * KV_CELL_STEP; }

struct calibration {
    int32_t n_dominant = 0;        // dominant FCs of a KV head
    std::vector<int32_t> dominant; // [n_layer][n_head_kv][n_dominant], ascending FC indices

    // FC i is dimensions (i, i + d/2) in the neox layout, (2i, 2i + 1) in the norm layout
    std::vector<int32_t> channels(const model_hparams & hp, int32_t il, int32_t head) const;
};

// throws BAD_CALIBRATION
void calibration_check(const calibration & c, const model_hparams & hp);

struct zeroed_memory {
    explicit zeroed_memory(size_t size); // throws OUT_OF_MEMORY; pages are touched on first use
    ~zeroed_memory();
    zeroed_memory(const zeroed_memory &) = delete;
    zeroed_memory & operator=(const zeroed_memory &) = delete;

    char * data; // aligned to 64 bytes
    size_t size;
private:
    void * base;
};

struct kv_cache {
    kv_cache(const model_hparams & hp, int32_t n_ctx, const calibration * calib);

    const model_hparams & hp;
    int32_t n_cells;                   // n_ctx rounded up to KV_CELL_STEP
    std::vector<ggml_tensor *> layers; // [2*head_size, n_cells, n_head_kv] f16: K row, V row

    // FASA; none without a calibration
    int32_t n_channels = 0; // 2 * dominant FCs
    size_t page_bytes = 0;
    int32_t n_closed = 0;          // pages with importance keys
    std::vector<int32_t> channels; // [n_layer][n_head_kv][n_channels], offsets into a K row

    const uint16_t * rows(int32_t il, int32_t head) const;          // K row of token 0; token t at + t*row_stride()
    size_t row_stride() const { return (size_t) 2 * hp.head_size; } // f16 elements
    const void * page(int32_t il, int32_t head, int32_t i) const;
    const int32_t * head_channels(int32_t il, int32_t head) const { return channels.data() + ((size_t) il * hp.n_head_kv + head) * n_channels; }

    void close_pages(int32_t n_tokens, int32_t n_anchor, const fasa_kernels * kernels); // up to the last whole page
    void truncate(int32_t n_tokens);

    int64_t bytes_reserved() const;

private:
    std::unique_ptr<zeroed_memory> kv_memory;
    std::unique_ptr<zeroed_memory> page_memory; // [n_layer][n_head_kv][n_pages][page_bytes]
    ggml_context_ptr ctx;
    ggml_backend_buffer_ptr buffer;
    int32_t n_pages() const { return n_cells / FASA_PAGE_TOKENS; }
    char * page_at(int32_t il, int32_t head, int32_t i) const;
};
