#include "graph/graph.h"

#include "base/error.h"
#include "graph/decoder_ops.h"

namespace {

struct builder : decoder_ops {
    kv_cache & kv;
    fasa_session * fasa;
    decoder_graph & g;

    // K rows (part 0) or V rows (part 1) of the cache: [head_size, n_cells, n_head_kv]
    ggml_tensor * cache_view(int32_t il, int32_t n_cells, int32_t part) {
        ggml_tensor * t = kv.layers[il];
        return ggml_view_3d(ctx, t, hp.head_size, n_cells, hp.n_head_kv, t->nb[1], t->nb[2], (size_t) part * hp.head_size * sizeof(uint16_t));
    }

    // x [head_size, n_head_kv, n_tokens] goes to this micro-batch's cells
    ggml_tensor * store(ggml_tensor * x, int32_t il, int32_t part) {
        ggml_tensor * stored = ggml_set_rows(ctx, cache_view(il, kv.n_cells, part), ggml_permute(ctx, x, 0, 2, 1, 3), g.cells);
        ggml_build_forward_expand(g.graph, stored);
        return stored;
    }

    ggml_tensor * dense_attention(int32_t il, ggml_tensor * q) {
        q = ggml_permute(ctx, q, 0, 2, 1, 3); // [head_size, n_tokens, n_head]
        ggml_tensor * out = ggml_flash_attn_ext(ctx, q, cache_view(il, g.shape.n_kv, 0), cache_view(il, g.shape.n_kv, 1), g.mask,
            attention_scale(), 0.0f, 0.0f);
        ggml_flash_attn_ext_set_prec(out, GGML_PREC_F32);
        return out;
    }

    ggml_tensor * attention(int32_t il, ggml_tensor * x) {
        const layer_weights & l = m.layers[il];
        const int32_t n = g.shape.n_tokens;
        auto [q, k, v] = project(l, x, n);
        q = rope(q, g.positions);
        ggml_tensor * stored_k = store(rope(k, g.positions), il, 0);
        ggml_tensor * stored_v = store(v, il, 1);
        if (g.capture_rows) {
            ggml_tensor * rows = ggml_get_rows(ctx, ggml_reshape_2d(ctx, q, (int64_t) hp.head_size * hp.n_head, n), g.capture_rows);
            ggml_set_output(rows);
            ggml_build_forward_expand(g.graph, rows);
            g.captured.push_back(rows);
        }
        ggml_tensor * out = g.shape.fasa ? fasa->build(ctx, il, q, n, stored_k, stored_v) : dense_attention(il, q);
        return output(l, out, n);
    }

    void build() {
        const graph_shape & s = g.shape;
        g.tokens = input(GGML_TYPE_I32, s.n_tokens);
        g.positions = input(GGML_TYPE_I32, s.n_tokens);
        g.cells = input(GGML_TYPE_I64, s.n_tokens);
        g.mask = s.fasa ? nullptr : input(GGML_TYPE_F16, s.n_kv, s.n_tokens);
        g.out_rows = s.n_out > 0 ? input(GGML_TYPE_I32, s.n_out) : nullptr;
        g.capture_rows = s.n_capture > 0 ? input(GGML_TYPE_I32, s.n_capture) : nullptr;

        // a micro-batch may want no logits
        ggml_tensor * x = layers(ggml_get_rows(ctx, m.tok_embd, g.tokens), !g.out_rows, [&](int32_t il, ggml_tensor * in) { return attention(il, in); }, [&](ggml_tensor * all) { return ggml_get_rows(ctx, all, g.out_rows); });
        if (x) {
            g.logits = logits(x);
            ggml_build_forward_expand(g.graph, g.logits);
        }
    }
};

} // namespace

decoder_graph::decoder_graph(const model & m, kv_cache & kv, fasa_session * fasa, ggml_backend_t backend, const graph_shape & shape) : shape(shape) {
    const size_t n_nodes = 64 + (size_t) m.hp.n_layer * 64;
    ctx.reset(ggml_init({ n_nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(n_nodes, false), nullptr, /*.no_alloc =*/true }));
    graph = ggml_new_graph_custom(ctx.get(), n_nodes, false);
    builder { { m, m.hp, ctx.get() }, kv, fasa, *this }.build();
    alloc.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend)));
    if (!ggml_gallocr_alloc_graph(alloc.get(), graph)) {
        fail(ERROR_OUT_OF_MEMORY, "no memory for the intermediate results of %d tokens", shape.n_tokens);
    }
}
