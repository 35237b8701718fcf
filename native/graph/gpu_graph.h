#pragma once

// The decoder graph over a gpu_cache, of ggml's own ops alone, so that any backend of ggml runs it: dense attention by its
// flash attention; TIP, selection and FAC by products, softmax, top k and gathered rows. What a device does not support
// runs on the CPU: ggml's scheduler sees to it.

#include "kv/gpu_cache.h"
#include "model/model.h"

#include "ggml-backend.h"
#include "ggml-cpp.h"

#include <cstdint>

struct gpu_graph_shape {
    int32_t n_tokens = 0; // of the micro-batch
    int32_t n_kv = 0;     // cells that attention sees, a multiple of KV_CELL_STEP; the others are masked
    bool logits = false;  // of the last token
    int32_t budget = 0;   // FASA, for one token: tokens that FAC reads; 0: dense

    bool operator==(const gpu_graph_shape &) const = default;
};

// A graph with its memory, reused as long as the shape stays the same. Inputs are set before every run.
struct gpu_graph {
    gpu_graph(const model & m, gpu_cache & kv, ggml_backend_t device, ggml_backend_t cpu, const gpu_graph_shape & shape); // throws OUT_OF_MEMORY

    gpu_graph_shape shape;

    ggml_tensor * embeddings = nullptr; // [n_embd, n_tokens] f32
    ggml_tensor * positions = nullptr;  // [n_tokens] i32
    ggml_tensor * cells = nullptr;      // [n_tokens] i64: where the tokens' keys and values go
    ggml_tensor * mask = nullptr;       // dense: [n_kv, n_tokens] f16; FASA: [n_kv, query heads of a KV head] f32; 0 or -inf
    ggml_tensor * always = nullptr;     // FASA: [n_kv] f32, added to what a token's importance is: large for those always read
    ggml_tensor * logits = nullptr;     // [n_vocab] f32

    void run(); // throws CANCELLED, OUT_OF_MEMORY, BACKEND

private:
    ggml_context_ptr ctx;
    ggml_cgraph * graph = nullptr;
    ggml_backend_sched_ptr sched;
};
