#pragma once

// The KV cache of one sequence with a GPU. Importance keys are on the device; keys and values are, too (fasa-c), or stay
// in host memory, from where only the chosen rows travel (fasa-m).

#include "kv/cache.h"

#include "ggml-cpp.h"

#include <cstdint>
#include <vector>

struct gpu_cache {
    // throws OUT_OF_MEMORY
    gpu_cache(const model_hparams & hp, ggml_backend_dev_t device, int32_t n_ctx, bool rows_on_host, const calibration * calib);

    const model_hparams & hp;
    const bool rows_on_host;
    int32_t n_cells;        // n_ctx rounded up to KV_CELL_STEP
    int32_t n_channels = 0; // of an importance key; 0 without a calibration

    // per layer; the rows of a token lie together, so that the first n tokens are one piece of memory
    std::vector<ggml_tensor *> k, v;       // [head_size*n_head_kv, n_cells] f16
    std::vector<ggml_tensor *> importance; // [n_channels*n_head_kv, n_cells] f16: the dominant channels of k
    // Products with it pick the dominant channels of keys and queries: one row of zeros and a one for each.
    std::vector<ggml_tensor *> picker; // [head_size, n_channels, n_head_kv] f32

    int64_t row_bytes() const { return hp.kv_bytes_per_token(); }                                     // of a token, all layers
    int64_t importance_bytes() const { return (int64_t) hp.n_layer * hp.n_head_kv * n_channels * 2; } // the same
    int64_t bytes_on_host() const { return rows_on_host ? row_bytes() * n_cells : 0; }


private:
    ggml_context_ptr rows_ctx, keys_ctx;
    ggml_backend_buffer_ptr rows_buffer, keys_buffer;
};
