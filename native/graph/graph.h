#pragma once

// The decoder graph of the llama, qwen2 and qwen3 architectures over a KV cache.

#include "attention/attention.h"
#include "kv/cache.h"
#include "model/model.h"

#include "ggml-alloc.h"
#include "ggml-cpp.h"

#include <cstdint>
#include <vector>

struct graph_shape {
    int32_t n_tokens = 0;  // of the micro-batch
    int32_t n_kv = 0;      // cells that dense attention sees, a multiple of KV_CELL_STEP; 0 with FASA
    int32_t n_out = 0;     // rows of logits
    int32_t n_capture = 0; // rows of rotated queries kept per layer, for calibration
    bool fasa = false;     // one decoded token, or the few before it

    bool operator==(const graph_shape &) const = default;
};

// A graph with its memory, reused as long as the shape stays the same. Inputs are set before every run.
struct decoder_graph {
    decoder_graph(const model & m, kv_cache & kv, fasa_session * fasa, ggml_backend_t backend, const graph_shape & shape); // throws OUT_OF_MEMORY

    graph_shape shape;
    ggml_cgraph * graph = nullptr;

    ggml_tensor * tokens = nullptr;       // [n_tokens] i32
    ggml_tensor * positions = nullptr;    // [n_tokens] i32
    ggml_tensor * cells = nullptr;        // [n_tokens] i64: cache rows that the tokens' keys and values go to
    ggml_tensor * mask = nullptr;         // [n_kv, n_tokens] f16: 0 or -inf; dense attention only
    ggml_tensor * out_rows = nullptr;     // [n_out] i32: rows of the micro-batch whose logits are wanted
    ggml_tensor * capture_rows = nullptr; // [n_capture] i32
    ggml_tensor * logits = nullptr;       // [n_vocab, n_out] f32
    std::vector<ggml_tensor *> captured;  // per layer [head_size*n_head, n_capture] f32

private:
    ggml_context_ptr ctx;
    ggml_gallocr_ptr alloc;
};
