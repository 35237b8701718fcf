#include "graph/decoder_ops.h"

#include <algorithm>
#include <cmath>

void graph_set_input(ggml_tensor * input, const void * data) {
    const assertion_guard guard;
    if (input && input->buffer) {
        ggml_backend_tensor_set(input, data, 0, ggml_nbytes(input));
    }
}

std::vector<ggml_fp16_t> causal_mask(int32_t n, int32_t n_past, int32_t n_kv) {
    const ggml_fp16_t hidden = ggml_fp32_to_fp16(-INFINITY), seen = 0;
    std::vector<ggml_fp16_t> mask((size_t) n_kv * n, hidden);
    for (int32_t i = 0; i < n; i++) {
        std::fill_n(mask.begin() + (size_t) i * n_kv, n_past + i + 1, seen);
    }
    return mask;
}

ggml_tensor * decoder_ops::norm(ggml_tensor * x, ggml_tensor * weight) const {
    return ggml_mul(ctx, ggml_rms_norm(ctx, x, hp.rms_eps), weight);
}

ggml_tensor * decoder_ops::linear(ggml_tensor * weight, ggml_tensor * bias, ggml_tensor * x) const {
    x = ggml_mul_mat(ctx, weight, x);
    return bias ? ggml_add(ctx, x, bias) : x;
}

ggml_tensor * decoder_ops::rope(ggml_tensor * x, ggml_tensor * positions) const {
    constexpr float beta_fast = 32.0f, beta_slow = 1.0f; // YaRN's own defaults, as libllama uses for these models
    return ggml_rope_ext(ctx, x, positions, m.rope_freqs, hp.head_size, hp.rope_type, hp.rope_n_ctx_orig,
        hp.rope_freq_base, hp.rope_freq_scale, hp.rope_ext_factor, hp.rope_attn_factor, beta_fast, beta_slow);
}

ggml_tensor * decoder_ops::feed_forward(const layer_weights & l, ggml_tensor * x) const {
    ggml_tensor * gate = linear(l.ffn_gate, l.ffn_gate_b, x);
    ggml_tensor * up = linear(l.ffn_up, l.ffn_up_b, x);
    return linear(l.ffn_down, l.ffn_down_b, ggml_swiglu_split(ctx, gate, up));
}

ggml_tensor * decoder_ops::input(ggml_type type, int64_t ne0, int64_t ne1) const {
    ggml_tensor * t = ggml_new_tensor_2d(ctx, type, ne0, ne1);
    ggml_set_input(t);
    return t;
}

decoder_ops::projections decoder_ops::project(const layer_weights & l, ggml_tensor * x, int32_t n_tokens) const {
    projections p {
        ggml_reshape_3d(ctx, linear(l.wq, l.bq, x), hp.head_size, hp.n_head, n_tokens),
        ggml_reshape_3d(ctx, linear(l.wk, l.bk, x), hp.head_size, hp.n_head_kv, n_tokens),
        ggml_reshape_3d(ctx, linear(l.wv, l.bv, x), hp.head_size, hp.n_head_kv, n_tokens),
    };
    if (l.q_norm) {
        p.q = norm(p.q, l.q_norm);
        p.k = norm(p.k, l.k_norm);
    }
    return p;
}

ggml_tensor * decoder_ops::output(const layer_weights & l, ggml_tensor * attended, int32_t n_tokens) const {
    return linear(l.wo, l.bo, ggml_reshape_2d(ctx, attended, (int64_t) hp.head_size * hp.n_head, n_tokens));
}

ggml_tensor * decoder_ops::logits(ggml_tensor * x) const {
    ggml_tensor * out = linear(m.output, m.output_b, norm(x, m.output_norm));
    ggml_set_output(out);
    return out;
}

float decoder_ops::attention_scale() const { return 1.0f / sqrtf((float) hp.head_size); }
