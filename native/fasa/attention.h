#pragma once

// One decode step of FASA attention inside the graph, as three custom ops on ggml's thread pool :
//   TIP:       scores of every cached token per query head, from the dominant FCs alone
//   selection: per KV head, the best tokens by the group's sum of softmax
//   FAC:       exact softmax attention over anchor, chosen tokens and recent window
// Source of the method: arXiv 2602.03152; group sum, int4 ranges per page and channel, exact sink: docs/architecture.md.

#include "fasa/kernels.h"
#include "fasa/policy.h"
#include "kv/cache.h"

#include "ggml.h"

#include <cstdint>
#include <vector>

constexpr int32_t FASA_ANCHOR_TOKENS = 4;  // attention sink: always attended, scored exactly
constexpr int32_t FASA_WINDOW_TOKENS = 32; // the newest tokens: always attended

struct fasa_session {
    fasa_session(const model_hparams & hp, const kv_cache & kv);
    fasa_session(const fasa_session &) = delete;
    fasa_session & operator=(const fasa_session &) = delete;

    // Set before each step: cached tokens, the one being decoded included, and tokens that FAC may read per KV head.
    int32_t n_kv   = 0;
    int32_t budget = 0;
    // importance by this instead of TIP; nullptr: TIP
    const choice_policy * policy = nullptr;

    // q [head_size, n_head, 1] f32, rotated; stored_k and stored_v: the ops that wrote this token's rows, so that they
    // run first. Returns [head_size, n_head] f32.
    ggml_tensor * build(ggml_context * ctx, int32_t il, ggml_tensor * q, ggml_tensor * stored_k, ggml_tensor * stored_v);

    // bytes of keys, values and importance keys that the step reads, all layers and KV heads
    int64_t bytes_read() const;

    const fasa_kernels * kernels;

    // nanoseconds of the pool's first thread in each stage, summed up since the last reset
    struct stage_times { int64_t tip = 0, selection = 0, fac = 0; };
    stage_times times;

private:
    struct layer_op { fasa_session * session; int32_t il; };

    const model_hparams & hp;
    const kv_cache &      kv;
    std::vector<layer_op> ops;             // userdata of the custom ops: addresses must not change
    std::vector<float>    scores;          // [n_head][n_cells]
    std::vector<float>    importance;      // [n_head_kv][n_cells]
    std::vector<char>     top_k_scratch;   // [n_head_kv][...]
    size_t                top_k_bytes;
    std::vector<int32_t>  chosen;          // [n_head_kv][n_cells], ascending
    std::vector<int32_t>  n_chosen;        // [n_head_kv]
    std::vector<float>    logits;          // [n_head][n_cells]

    static void run_tip      (ggml_tensor * dst, int ith, int nth, void * userdata);
    static void run_selection(ggml_tensor * dst, int ith, int nth, void * userdata);
    static void run_fac      (ggml_tensor * dst, int ith, int nth, void * userdata);

    void tip_unit(int32_t il, int32_t head, int32_t unit, const float * q);
    void select(int32_t il, int32_t head, const float * q);
    int32_t n_closed() const; // pages that TIP scans
};
