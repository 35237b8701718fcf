#include "bench/native/synthetic.h"

#include "attention/attention.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/backend.h"

#include "ggml-alloc.h"

#include <algorithm>
#include <cmath>
#include <random>

// Layers are taken in turn until they are more than caches hold, as the layers of a model are in a decode step.
constexpr int64_t COLD_BYTES = 256 << 20;
constexpr int32_t MAX_LAYERS = 64;

namespace {

model_hparams hparams_of(const synthetic_params & p) {
    if (p.head_size < 2 || p.head_size > FASA_HEAD_SIZE_MAX || p.head_size % 2 || p.n_dominant < 1 || p.n_dominant > p.head_size / 2) {
        fail(ERROR_BAD_ARGUMENT, "heads of %d dimensions with %d dominant FCs are not possible", p.head_size, p.n_dominant);
    }
    model_hparams hp;
    hp.head_size = p.head_size;
    hp.n_head_kv = p.n_head_kv;
    hp.n_head = p.n_head_kv * p.n_group;
    hp.rope_type = GGML_ROPE_TYPE_NEOX;
    hp.n_layer = 1;
    hp.n_layer = (int32_t) std::clamp<int64_t>(COLD_BYTES / std::max<int64_t>(1, hp.kv_bytes_per_token() * p.depth), 1, MAX_LAYERS);
    return hp;
}

// evenly spread FCs: times do not depend on which
calibration calibration_even(const model_hparams & hp, int32_t n_dominant) {
    calibration c;
    c.n_dominant = n_dominant;
    for (int32_t i = 0; i < hp.n_layer * hp.n_head_kv * n_dominant; i++) {
        c.dominant.push_back(i % n_dominant * (hp.head_size / 2) / n_dominant);
    }
    return c;
}

struct attention_bench {
    model_hparams hp;
    calibration calib;
    kv_cache kv;
    fasa_session fasa;
    const std::atomic<bool> * abort;
    cpu_backend backend;
    std::mt19937 random { 1 };

    attention_bench(const synthetic_params & p, const std::atomic<bool> & abort) : hp(hparams_of(p)), calib(calibration_even(hp, p.n_dominant)), kv(hp, p.depth, &calib), fasa(hp, kv, p.n_threads), abort(&abort),
                                                                                   backend(p.n_threads, &this->abort) {
        // a table of normal numbers, walked with random strides: filling half a gigabyte one by one takes too long
        std::normal_distribution<float> normal;
        std::vector<ggml_fp16_t> table(1 << 16);
        for (ggml_fp16_t & x : table) {
            x = ggml_fp32_to_fp16(normal(random));
        }
        for (ggml_tensor * layer : kv.layers) {
            if (abort) {
                fail(ERROR_CANCELLED, "cancelled");
            }
            const size_t row = ggml_nbytes(layer) / sizeof(ggml_fp16_t) / hp.n_head_kv / kv.n_cells;
            ggml_fp16_t * to = (ggml_fp16_t *) layer->data;
            for (size_t r = 0; r < (size_t) hp.n_head_kv * kv.n_cells; r++, to += row) {
                std::copy_n(table.data() + random() % (table.size() - row), row, to);
            }
        }
        kv.close_pages(p.depth, FASA_ANCHOR_TOKENS, fasa.kernels);
        fasa.n_kv = p.depth;
    }
};

// the attention of all layers as one graph
struct attention_graph {
    ggml_context_ptr ctx;
    ggml_gallocr_ptr alloc;
    ggml_cgraph * graph;
    ggml_tensor * q = nullptr;
    ggml_tensor * mask = nullptr;

    attention_graph(attention_bench & b, bool sparse) {
        const size_t n_nodes = 16 + (size_t) b.hp.n_layer * 16;
        ctx.reset(ggml_init({ n_nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(n_nodes, false), nullptr, /*.no_alloc =*/true }));
        graph = ggml_new_graph_custom(ctx.get(), n_nodes, false);
        q = sparse ? ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, b.hp.head_size, b.hp.n_head, 1)
                   : ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, b.hp.head_size, 1, b.hp.n_head);
        ggml_set_input(q);
        if (!sparse) {
            mask = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F16, b.kv.n_cells, 1);
            ggml_set_input(mask);
        }
        for (int32_t il = 0; il < b.hp.n_layer; il++) {
            ggml_tensor * out = sparse ? b.fasa.build(ctx.get(), il, q, 1, q, q) : dense(b, il);
            ggml_set_output(out);
            ggml_build_forward_expand(graph, out);
        }
        alloc.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(b.backend.get())));
        if (!ggml_gallocr_alloc_graph(alloc.get(), graph)) {
            fail(ERROR_OUT_OF_MEMORY, "no memory for the results of %d layers", b.hp.n_layer);
        }
        set_inputs(b);
    }

    ggml_tensor * dense(attention_bench & b, int32_t il) {
        ggml_tensor * t = b.kv.layers[il];
        const auto part = [&](size_t i) {
            return ggml_view_3d(ctx.get(), t, b.hp.head_size, b.kv.n_cells, b.hp.n_head_kv, t->nb[1], t->nb[2], i * b.hp.head_size * sizeof(ggml_fp16_t));
        };
        return ggml_flash_attn_ext(ctx.get(), q, part(0), part(1), mask, 1.0f / sqrtf((float) b.hp.head_size), 0.0f, 0.0f);
    }

    void set_inputs(attention_bench & b) {
        std::normal_distribution<float> normal;
        std::vector<float> values(ggml_nelements(q));
        for (float & x : values) {
            x = normal(b.random);
        }
        ggml_backend_tensor_set(q, values.data(), 0, ggml_nbytes(q));
        if (mask) {
            std::vector<ggml_fp16_t> row(b.kv.n_cells, ggml_fp32_to_fp16(-INFINITY));
            std::fill_n(row.begin(), b.fasa.n_kv, (ggml_fp16_t) 0);
            ggml_backend_tensor_set(mask, row.data(), 0, ggml_nbytes(mask));
        }
    }

    double run(attention_bench & b) {
        const steady::time_point begin = steady::now();
        b.backend.run(graph);
        return ms_since(begin) / b.hp.n_layer;
    }
};

} // namespace

synthetic_result synthetic_time(const synthetic_params & p, const std::atomic<bool> & abort) {
    attention_bench bench(p, abort);
    attention_graph dense(bench, false), sparse(bench, true);
    synthetic_result r;
    r.dense_bytes = (int64_t) p.depth * bench.hp.kv_bytes_per_token() / bench.hp.n_layer;
    int32_t n_runs = 0;
    for (int32_t turn = -1; turn < p.n_turns; turn++) { // one more to warm up
        const double flash = dense.run(bench);
        bench.fasa.budget = p.depth;
        const double exact = sparse.run(bench);
        bench.fasa.budget = p.budget;
        const fasa_session::stage_times before = bench.fasa.times;
        const double chosen = sparse.run(bench);
        if (turn >= 0) {
            r.flash_ms.push_back(flash);
            r.exact_ms.push_back(exact);
            r.fasa_ms.push_back(chosen);
            r.tip_ms += (bench.fasa.times.tip - before.tip) / 1e6;
            r.selection_ms += (bench.fasa.times.selection - before.selection) / 1e6;
            r.fac_ms += (bench.fasa.times.fac - before.fac) / 1e6;
            n_runs += bench.hp.n_layer;
        }
    }
    r.fasa_bytes = bench.fasa.bytes_read() / bench.hp.n_layer;
    r.tip_ms /= n_runs;
    r.selection_ms /= n_runs;
    r.fac_ms /= n_runs;
    return r;
}
