#include "graph/gpu_graph.h"

#include "base/error.h"
#include "graph/decoder_ops.h"
#include "model/backend.h"

namespace {

struct builder : decoder_ops {
    gpu_cache & kv;
    ggml_cgraph * graph;
    gpu_graph & g;
    std::vector<ggml_tensor *> on_cpu; // nodes that read rows in host memory: they run where these lie

    void store(ggml_tensor * cache, ggml_tensor * x) {
        x = ggml_reshape_2d(ctx, ggml_cont(ctx, x), cache->ne[0], g.shape.n_tokens);
        ggml_build_forward_expand(graph, ggml_set_rows(ctx, cache, x, g.cells));
    }

    // the first n_kv cells of a cache by KV head: [width, n_kv, n_head_kv]
    ggml_tensor * by_head(ggml_tensor * cache) {
        const int64_t width = cache->ne[0] / hp.n_head_kv;
        return ggml_view_3d(ctx, cache, width, g.shape.n_kv, hp.n_head_kv, cache->nb[1], width * sizeof(uint16_t), 0);
    }

    // q [head_size, n_head, n_tokens] -> [head_size, n_head, n_tokens]
    ggml_tensor * dense_attention(int32_t il, ggml_tensor * q) {
        if (device_is_software(m.device)) {
            return composed_attention(il, q);
        }
        ggml_tensor * out = ggml_flash_attn_ext(ctx, ggml_permute(ctx, q, 0, 2, 1, 3), by_head(kv.k[il]), by_head(kv.v[il]), g.mask, attention_scale(), 0.0f, 0.0f);
        ggml_flash_attn_ext_set_prec(out, GGML_PREC_F32);
        return out;
    }

    // The same without ggml's fused kernel, which writes outside of its memory on Mesa's llvmpipe (seen with 22.3.6: crashes
    // in half of all runs), where it is not needed for speed either.
    ggml_tensor * composed_attention(int32_t il, ggml_tensor * q) {
        ggml_tensor * logits = ggml_mul_mat(ctx, by_head(kv.k[il]), ggml_permute(ctx, q, 0, 2, 1, 3)); // [n_kv, n_tokens, n_head]
        ggml_mul_mat_set_prec(logits, GGML_PREC_F32);
        ggml_tensor * weights = ggml_soft_max_ext(ctx, logits, g.mask, attention_scale(), 0.0f);
        ggml_tensor * v = ggml_cont(ctx, ggml_permute(ctx, by_head(kv.v[il]), 1, 0, 2, 3)); // [n_kv, head_size, n_head_kv]
        ggml_tensor * out = ggml_mul_mat(ctx, v, weights);                                  // [head_size, n_tokens, n_head]
        ggml_mul_mat_set_prec(out, GGML_PREC_F32);
        return ggml_cont(ctx, ggml_permute(ctx, out, 0, 2, 1, 3));
    }

    // importance of every cell to each KV head: the sum over its query heads of each one's softmax. [n_kv, n_head_kv]
    ggml_tensor * importance(int32_t il, ggml_tensor * q) {
        const int32_t n_group = hp.n_group();
        q = ggml_mul_mat(ctx, kv.picker[il], q);                                 // [n_channels, n_group, n_head_kv]
        ggml_tensor * scores = ggml_mul_mat(ctx, by_head(kv.importance[il]), q); // [n_kv, n_group, n_head_kv]
        ggml_tensor * weights = ggml_soft_max_ext(ctx, scores, g.mask, attention_scale(), 0.0f);
        ggml_tensor * sum = nullptr;
        for (int32_t h = 0; h < n_group; h++) {
            ggml_tensor * one = ggml_cont(ctx, ggml_view_2d(ctx, weights, g.shape.n_kv, hp.n_head_kv, weights->nb[2], h * weights->nb[1]));
            sum = sum ? ggml_add(ctx, sum, one) : one;
        }
        return sum;
    }

    ggml_tensor * chosen_rows(ggml_tensor * cache, ggml_tensor * chosen) {
        ggml_tensor * rows = ggml_get_rows(ctx, by_head(cache), chosen);
        if (kv.rows_on_host) {
            on_cpu.push_back(rows);
        }
        return rows; // [head_size, budget, n_head_kv] f32
    }

    ggml_tensor * fasa_attention(int32_t il, ggml_tensor * q) {
        q = ggml_reshape_3d(ctx, q, hp.head_size, hp.n_group(), hp.n_head_kv);
        ggml_tensor * chosen = ggml_top_k(ctx, ggml_add(ctx, importance(il, q), g.always), g.shape.budget); // [budget, n_head_kv]
        ggml_tensor * k = chosen_rows(kv.k[il], chosen);
        ggml_tensor * v = chosen_rows(kv.v[il], chosen);
        ggml_tensor * logits = ggml_mul_mat(ctx, k, q); // [budget, n_group, n_head_kv]
        ggml_mul_mat_set_prec(logits, GGML_PREC_F32);
        ggml_tensor * weights = ggml_soft_max_ext(ctx, logits, nullptr, attention_scale(), 0.0f);
        ggml_tensor * out = ggml_mul_mat(ctx, ggml_cont(ctx, ggml_transpose(ctx, v)), weights); // [head_size, n_group, n_head_kv]
        ggml_mul_mat_set_prec(out, GGML_PREC_F32);
        return out;
    }

    ggml_tensor * attention(int32_t il, ggml_tensor * x) {
        const layer_weights & l = m.layers[il];
        const int32_t n = g.shape.n_tokens;
        auto [q, k, v] = project(l, x, n);
        q = rope(q, g.positions);
        k = rope(k, g.positions);
        store(kv.k[il], k);
        store(kv.v[il], v);
        if (kv.n_channels > 0) {
            ggml_tensor * keys = ggml_cont(ctx, ggml_permute(ctx, k, 0, 2, 1, 3)); // [head_size, n, n_head_kv]
            keys = ggml_mul_mat(ctx, kv.picker[il], keys);                         // [n_channels, n, n_head_kv]
            store(kv.importance[il], ggml_permute(ctx, keys, 0, 2, 1, 3));
        }
        ggml_tensor * out = g.shape.budget > 0 ? fasa_attention(il, q) : dense_attention(il, q);
        return output(l, out, n);
    }

    void build() {
        const gpu_graph_shape & s = g.shape;
        const bool fasa = s.budget > 0;
        g.embeddings = input(GGML_TYPE_F32, hp.n_embd, s.n_tokens);
        g.positions = input(GGML_TYPE_I32, s.n_tokens);
        g.cells = input(GGML_TYPE_I64, s.n_tokens);
        g.mask = fasa ? input(GGML_TYPE_F32, s.n_kv, hp.n_group()) : input(GGML_TYPE_F16, s.n_kv, s.n_tokens);
        g.always = fasa ? input(GGML_TYPE_F32, s.n_kv) : nullptr;

        ggml_tensor * x = layers(g.embeddings, !s.logits, [&](int32_t il, ggml_tensor * in) { return attention(il, in); }, [&](ggml_tensor * all) { return last(all); });
        if (x) {
            g.logits = logits(x);
            ggml_build_forward_expand(graph, g.logits);
        }
    }

    ggml_tensor * last(ggml_tensor * x) {
        return g.shape.n_tokens == 1 ? x : ggml_cont(ctx, ggml_view_2d(ctx, x, x->ne[0], 1, x->nb[1], (size_t) (g.shape.n_tokens - 1) * x->nb[1]));
    }
};

} // namespace

gpu_graph::gpu_graph(const model & m, gpu_cache & kv, ggml_backend_t device, ggml_backend_t cpu, const gpu_graph_shape & shape) : shape(shape) {
    const size_t n_nodes = 64 + (size_t) m.hp.n_layer * (96 + 4 * m.hp.n_group());
    ctx.reset(ggml_init({ n_nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(n_nodes, false), nullptr, /*.no_alloc =*/true }));
    graph = ggml_new_graph_custom(ctx.get(), n_nodes, false);
    builder b { { m, m.hp, ctx.get() }, kv, graph, *this, {} };
    b.build();
    ggml_backend_t backends[] = { device, cpu }; // the CPU comes last and takes what the device does not support
    sched.reset(ggml_backend_sched_new(backends, nullptr, device == cpu ? 1 : 2, n_nodes, /*parallel =*/false, /*op_offload =*/false));
    for (ggml_tensor * node : b.on_cpu) {
        ggml_backend_sched_set_tensor_backend(sched.get(), node, cpu);
    }
    if (!ggml_backend_sched_alloc_graph(sched.get(), graph)) {
        fail(ERROR_OUT_OF_MEMORY, "no memory for the intermediate results of %d tokens", shape.n_tokens);
    }
}

void gpu_graph::run() {
    switch (ggml_backend_sched_graph_compute(sched.get(), graph)) {
        case GGML_STATUS_SUCCESS: return;
        case GGML_STATUS_ABORTED: fail(ERROR_CANCELLED, "cancelled");
        case GGML_STATUS_ALLOC_FAILED: fail(ERROR_OUT_OF_MEMORY, "no memory left for a computation");
        default: fail(ERROR_BACKEND, "a backend failed in a computation");
    }
}
