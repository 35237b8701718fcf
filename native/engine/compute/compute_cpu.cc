#include "engine/compute/compute_cpu.h"

#include "base/error.h"
#include "graph/decoder_ops.h"

#include <algorithm>
#include <cstring>

// Steps over all tokens by focused attention: faster than ggml's kernel for one token, and its sums are f32, not f16.
// Without vector instructions it is not.
static bool fac_is_fast(const model_hparams & hp) {
    return hp.head_size <= FASA_HEAD_SIZE_MAX && strcmp(fasa_kernels_best()->name, "plain") != 0;
}

compute_cpu::compute_cpu(std::shared_ptr<model> model, sequence_params p) : compute(std::move(model), std::move(p)), kv(m->hp, params.n_ctx, params.calib ? &*params.calib : nullptr), backend(params.n_threads, &abort) {
    if (params.calib || fac_is_fast(m->hp)) {
        fasa = std::make_unique<fasa_session>(m->hp, kv, params.n_threads);
        fasa->n_anchor = n_anchor();
    }
}

decoder_graph & compute_cpu::prepared(std::unique_ptr<decoder_graph> & held, const graph_shape & shape) {
    return graph_of_shape(held, shape, [&] { return std::make_unique<decoder_graph>(*m, kv, fasa.get(), backend.get(), shape); });
}

int32_t compute_cpu::position(int32_t cell) const {
    const auto & c = params.composition;
    return c && cell >= c->n_anchor ? c->tail_position + cell - c->n_anchor : cell;
}

void compute_cpu::set_inputs(decoder_graph & g, const int32_t * ids, int32_t n_past) const {
    const int32_t n = g.shape.n_tokens, n_out = g.shape.n_out;
    std::vector<int32_t> positions(n), rows(n_out);
    std::vector<int64_t> cells(n);
    for (int32_t i = 0; i < n; i++) {
        positions[i] = position(n_past + i);
        cells[i] = n_past + i;
    }
    for (int32_t i = 0; i < n_out; i++) {
        rows[i] = n - n_out + i;
    }
    graph_set_input(g.tokens, ids);
    graph_set_input(g.positions, positions.data());
    graph_set_input(g.cells, cells.data());
    graph_set_input(g.out_rows, rows.data());
    if (g.mask) {
        graph_set_input(g.mask, causal_mask(n, n_past, g.shape.n_kv).data());
    }
}

void compute_cpu::run(decoder_graph & g, int32_t n_past, float * logits) {
    m->check_file();
    backend.run(g.graph);
    if (g.shape.n_out > 0) {
        ggml_backend_tensor_get(g.logits, logits, 0, (size_t) g.shape.n_out * m->hp.n_vocab * sizeof(float));
    }
    if (params.calib) {
        kv.close_pages(n_past + g.shape.n_tokens, n_anchor(), fasa->kernels);
    }
}

void compute_cpu::run_batch(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, float * logits, const query_capture * capture) {
    std::vector<int32_t> rows;
    for (int32_t i = capture ? capture->stride - 1 : n; i < n; i += capture->stride) {
        rows.push_back(i);
    }
    graph_shape shape;
    shape.n_tokens = n;
    shape.n_kv = kv_cells(n_past + n);
    shape.n_out = n_out;
    shape.n_capture = (int32_t) rows.size();
    decoder_graph & g = prepared(n == 1 ? step_graph : batch_graph, shape);
    set_inputs(g, ids, n_past);
    graph_set_input(g.capture_rows, rows.data());
    run(g, n_past, logits);
    std::vector<float> q((size_t) m->hp.n_head * m->hp.head_size);
    for (int32_t il = 0; il < m->hp.n_layer && !rows.empty(); il++) {
        for (size_t i = 0; i < rows.size(); i++) {
            if (abort && *abort) {
                fail(ERROR_CANCELLED, "cancelled");
            }
            ggml_backend_tensor_get(g.captured[il], q.data(), i * q.size() * sizeof(float), q.size() * sizeof(float));
            capture->visit(il, n_past + rows[i], q.data());
        }
    }
}

step_cost compute_cpu::run_steps(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, const attention_params & attention, float * logits) {
    const int32_t n_kv = n_past + n;
    const bool sparse = uses_fasa(attention, n_kv + (fasa ? fasa->n_chunk_tokens() : 0));
    if (n == 1 && !sparse && !fac_is_fast(m->hp) && !(fasa && fasa->n_chunk_tokens() > 0)) {
        run_batch(ids, 1, n_past, n_out, logits, nullptr);
        return { n_kv * m->hp.kv_bytes_per_token(), false };
    }
    graph_shape shape;
    shape.n_tokens = n;
    shape.n_out = n_out;
    shape.fasa = true;
    decoder_graph & g = prepared(n == 1 ? step_graph : late_graph, shape);
    set_inputs(g, ids, n_past);
    fasa->n_kv = n_kv;
    fasa->budget = sparse ? attention.budget : INT32_MAX;
    fasa->abort = abort;
    const int64_t bytes = fasa->bytes_read();
    run(g, n_past, logits);
    return { bytes, sparse };
}

void compute_cpu::use_chunks(const chunk_set * chunks) {
    if (chunks) {
        if (!params.composition) {
            fail(ERROR_BAD_ARGUMENT, "chunks need a context with a composition");
        }
        for (const retrieved_chunk & c : chunks->chunks) {
            const kv_chunk_layout & l = c.chunk->layout;
            if (l.fingerprint != m->summary.fingerprint || l.n_channels != kv.n_channels) {
                fail(ERROR_BAD_ARGUMENT, "a chunk is of another model or calibration");
            }
        }
        chunks->check_intact();
    }
    if (fasa) {
        fasa->set_chunks(chunks);
    }
}

void compute_cpu::count_attention(bool on) {
    if (fasa) {
        fasa->count_attention(on);
    }
}

std::optional<attention_mass> compute_cpu::counted_attention(int32_t n_tokens) const {
    return fasa ? std::optional(fasa->counted_attention(n_tokens)) : std::nullopt;
}

sequence_usage compute_cpu::usage(int32_t n_tokens) const {
    sequence_usage u;
    u.n_tokens = n_tokens;
    u.n_ctx = params.n_ctx;
    u.full_bytes = n_tokens * m->hp.kv_bytes_per_token();
    u.importance_bytes = params.calib ? (int64_t) (n_tokens / FASA_PAGE_TOKENS) * (int64_t) kv.page_bytes * m->hp.n_layer * m->hp.n_head_kv : 0;
    u.fast_bytes = u.full_bytes + u.importance_bytes; // fasa-c: all of it is in memory
    return u;
}
