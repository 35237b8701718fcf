#include "engine/compute/compute_gpu.h"

#include "base/error.h"
#include "graph/decoder_ops.h"

#include <algorithm>
#include <cmath>
#include <vector>

compute_gpu::compute_gpu(std::shared_ptr<model> model, sequence_params p, bool rows_on_host) : compute(std::move(model), std::move(p)), kv(m->hp, m->device, params.n_ctx, rows_on_host, params.calib ? &*params.calib : nullptr),
                                                                                               device(m->device == backend_cpu_device() ? nullptr : ggml_backend_dev_init(m->device, nullptr)), cpu(params.n_threads, &abort) {
    if (!device && m->device != backend_cpu_device()) {
        fail(ERROR_BACKEND, "the device %s cannot be used", ggml_backend_dev_name(m->device));
    }
    if (params.composition) {
        fail(ERROR_BAD_ARGUMENT, "chunks are read by contexts on the CPU alone");
    }
}

void compute_gpu::use_chunks(const chunk_set * chunks) {
    if (chunks) {
        fail(ERROR_BAD_ARGUMENT, "chunks are read by contexts on the CPU alone");
    }
}

// Rows of the embedding are looked up here: the table stays in the mapped file, and any type that ggml knows will do.
static std::vector<float> embeddings_of(const model & m, const int32_t * ids, int32_t n) {
    const ggml_tensor * table = m.tok_embd;
    const size_t width = m.hp.n_embd;
    std::vector<float> rows(width * n);
    const auto to_float = ggml_get_type_traits(table->type)->to_float;
    for (int32_t i = 0; i < n; i++) {
        const char * row = (const char *) table->data + (size_t) ids[i] * table->nb[1];
        if (table->type == GGML_TYPE_F32) {
            std::copy_n((const float *) row, width, rows.data() + i * width);
        } else {
            to_float(row, rows.data() + i * width, width);
        }
    }
    return rows;
}

void compute_gpu::set_inputs(gpu_graph & g, const int32_t * ids, int32_t n_past) {
    const int32_t n = g.shape.n_tokens, n_kv = g.shape.n_kv;
    std::vector<int32_t> positions(n);
    std::vector<int64_t> cells(n);
    for (int32_t i = 0; i < n; i++) {
        positions[i] = n_past + i;
        cells[i] = n_past + i;
    }
    graph_set_input(g.embeddings, embeddings_of(*m, ids, n).data());
    graph_set_input(g.positions, positions.data());
    graph_set_input(g.cells, cells.data());
    if (g.shape.budget == 0) {
        graph_set_input(g.mask, causal_mask(n, n_past, n_kv).data());
        return;
    }
    const int32_t n_seen = n_past + 1, n_group = m->hp.n_group();
    std::vector<float> mask((size_t) n_kv * n_group, -INFINITY);
    for (int32_t h = 0; h < n_group; h++) {
        std::fill_n(mask.begin() + (size_t) h * n_kv, n_seen, 0.0f);
    }
    // importance is a sum of shares, at most n_group: more than that is always read, less than nothing never
    const float max = 4.0f * n_group;
    const int32_t n_first = std::min(FASA_ANCHOR_TOKENS, g.shape.budget);
    const int32_t n_window = std::min(FASA_WINDOW_TOKENS, g.shape.budget - n_first);
    std::vector<float> always(n_kv, -max);
    std::fill_n(always.begin(), n_seen, 0.0f);
    std::fill_n(always.begin(), n_first, max);
    std::fill_n(always.begin() + n_seen - n_window, n_window, max);
    graph_set_input(g.mask, mask.data());
    graph_set_input(g.always, always.data());
}

void compute_gpu::run(std::unique_ptr<gpu_graph> & held, const gpu_graph_shape & shape, const int32_t * ids, int32_t n_past, float * logits) {
    gpu_graph & g = graph_of_shape(held, shape, [&] {
        return std::make_unique<gpu_graph>(*m, kv, device ? device.get() : cpu.get(), cpu.get(), shape);
    });
    m->check_file();
    set_inputs(g, ids, n_past);
    g.run();
    if (shape.logits) {
        ggml_backend_tensor_get(g.logits, logits, 0, m->hp.n_vocab * sizeof(float));
    }
}

void compute_gpu::run_batch(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, float * logits, const query_capture * capture) {
    if (capture || n_out > 1) {
        fail(ERROR_BAD_ARGUMENT, "a graph on a device gives the logits of one token and no queries");
    }
    gpu_graph_shape shape;
    shape.n_tokens = n;
    shape.n_kv = kv_cells(n_past + n);
    shape.logits = n_out > 0;
    run(n == 1 ? step_graph : batch_graph, shape, ids, n_past, logits);
}

step_cost compute_gpu::run_steps(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, const attention_params & attention, float * logits) {
    if (n != 1) {
        fail(ERROR_BAD_ARGUMENT, "a graph on a device decodes one token");
    }
    const int32_t n_kv = n_past + 1;
    // with a budget for all tokens there is nothing to choose
    if (n_kv <= attention.budget || !uses_fasa(attention, n_kv)) {
        run_batch(ids, 1, n_past, n_out, logits, nullptr);
        return { kv.row_bytes() * n_kv, false };
    }
    gpu_graph_shape shape;
    shape.n_tokens = 1;
    shape.n_kv = kv_cells(n_kv);
    shape.logits = n_out > 0;
    shape.budget = attention.budget;
    run(step_graph, shape, ids, n_past, logits);
    return { kv.importance_bytes() * n_kv + kv.row_bytes() * attention.budget, true };
}

sequence_usage compute_gpu::usage(int32_t n_tokens) const {
    sequence_usage u;
    u.n_tokens = n_tokens;
    u.n_ctx = params.n_ctx;
    u.full_bytes = kv.row_bytes() * n_tokens;
    u.importance_bytes = kv.importance_bytes() * n_tokens;
    u.fast_bytes = (kv.rows_on_host ? 0 : u.full_bytes) + u.importance_bytes;
    u.slow_bytes = kv.rows_on_host ? u.full_bytes : 0;
    return u;
}
