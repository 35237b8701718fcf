#pragma once

// What the header of a GGUF says of the model: sizes, RoPE, special names. Checked against sane bounds and against the
// architectures that the decoder graph has; tensors are checked in model.cc.

#include "model/gguf_file.h"

#include <cstdint>
#include <string>

struct model_hparams {
    std::string arch; // llama, qwen2, qwen3

    int32_t n_layer = 0;
    int32_t n_embd = 0;
    int32_t n_ff = 0;
    int32_t n_head = 0;
    int32_t n_head_kv = 0;
    int32_t head_size = 0; // d: of both K and V; all of it is rotated
    int32_t n_vocab = 0;
    int32_t n_ctx_train = 0; // tokens
    float rms_eps = 0;

    // RoPE as ggml_rope_ext takes it
    int32_t rope_type = 0; // GGML_ROPE_TYPE_NORMAL: pairs (2i, 2i+1); GGML_ROPE_TYPE_NEOX: pairs (i, i + d/2)
    float rope_freq_base = 10000.0f;
    float rope_freq_scale = 1.0f;
    float rope_ext_factor = 0.0f; // 1 for YaRN
    float rope_attn_factor = 1.0f;
    int32_t rope_n_ctx_orig = 0;

    int32_t n_group() const { return n_head / n_head_kv; }
    // f16 K and V of one token, all layers and KV heads
    int64_t kv_bytes_per_token() const { return (int64_t) n_layer * n_head_kv * head_size * 2 * 2; }
};

// throws UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_MODEL, BAD_GGUF, MISSING_TENSOR (no token_embd.weight)
model_hparams model_hparams_read(const gguf_file & file);
