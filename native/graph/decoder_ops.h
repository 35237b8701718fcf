#pragma once

// What every graph of the llama, qwen2 and qwen3 architectures has in common, whatever cache it attends to.

#include "base/error.h"
#include "model/model.h"

#include <cstdint>
#include <memory>
#include <vector>

// data: as many bytes as the tensor has. An input that no op of the graph reads has no memory: nothing is set then.
void graph_set_input(ggml_tensor * input, const void * data);

// [n_kv, n] f16: token i sees the n_past cached ones, those before it and itself
std::vector<ggml_fp16_t> causal_mask(int32_t n, int32_t n_past, int32_t n_kv);

// The graph that is held, or one that `make` makes where the shape is another.
template <typename Graph, typename Shape, typename Make> Graph & graph_of_shape(std::unique_ptr<Graph> & held, const Shape & shape, Make && make) {
    if (!held || !(held->shape == shape)) {
        const assertion_guard guard;
        held.reset(); // its memory first
        held = make();
    }
    return *held;
}

struct decoder_ops {
    const model & m;
    const model_hparams & hp;
    ggml_context * ctx;

    struct projections {
        ggml_tensor * q; // [head_size, n_head, n_tokens]
        ggml_tensor * k; // [head_size, n_head_kv, n_tokens]
        ggml_tensor * v; // as k
    };

    ggml_tensor * norm(ggml_tensor * x, ggml_tensor * weight) const;
    ggml_tensor * linear(ggml_tensor * weight, ggml_tensor * bias, ggml_tensor * x) const; // bias may be null
    ggml_tensor * rope(ggml_tensor * x, ggml_tensor * positions) const;
    ggml_tensor * feed_forward(const layer_weights & l, ggml_tensor * x) const;
    ggml_tensor * input(ggml_type type, int64_t ne0, int64_t ne1 = 1) const;
    projections project(const layer_weights & l, ggml_tensor * x, int32_t n_tokens) const; // normed where the architecture does, not rotated
    ggml_tensor * output(const layer_weights & l, ggml_tensor * attended, int32_t n_tokens) const;
    ggml_tensor * logits(ggml_tensor * x) const;
    float attention_scale() const; // of logits

    // All layers over x [n_embd, n_tokens]; attention(il, x) gives what a layer's attention adds. Behind the last one only the
    // rows that wanted(x) keeps go on; with `none`, nothing does: keys and values are stored, and nullptr comes back.
    template <typename Attention, typename Wanted>
    ggml_tensor * layers(ggml_tensor * x, bool none, Attention && attention, Wanted && wanted) const {
        for (int32_t il = 0; il < hp.n_layer; il++) {
            const layer_weights & l = m.layers[il];
            ggml_tensor * residual = x;
            x = attention(il, norm(x, l.attn_norm));
            if (il == hp.n_layer - 1) {
                if (none) {
                    return nullptr;
                }
                x = wanted(x);
                residual = wanted(residual);
            }
            x = ggml_add(ctx, x, residual);
            x = ggml_add(ctx, feed_forward(l, norm(x, l.ffn_norm)), x);
        }
        return x;
    }
};
