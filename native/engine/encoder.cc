#include "engine/encoder.h"

#include "base/error.h"
#include "graph/decoder_ops.h"

#include <algorithm>
#include <cmath>

static encoder_params checked(encoder_params p, const model & m) {
    const model_hparams & hp = m.hp;
    calibration_check(p.calib, hp);
    if (p.anchor.empty() || p.anchor.size() > FASA_PAGE_TOKENS) {
        fail(ERROR_BAD_ARGUMENT, "an anchor of %zu tokens is not possible", p.anchor.size());
    }
    m.check_tokens(p.anchor);
    if (p.n_threads < 1 || p.n_threads > 256 || p.n_ubatch < 1 || p.n_ubatch > 4096 || p.n_chunk < 1 || p.n_chunk > 1 << 20) {
        fail(ERROR_BAD_ARGUMENT, "chunks of %d tokens in micro-batches of %d by %d threads are not possible", p.n_chunk, p.n_ubatch, p.n_threads);
    }
    if (p.row_type == KV_ROWS_Q8_0 && hp.head_size % 32 != 0) {
        fail(ERROR_UNSUPPORTED_MODEL, "rows of q8_0 need heads of a multiple of 32 dimensions, not of %d", hp.head_size);
    }
    return p;
}

chunk_encoder::chunk_encoder(std::shared_ptr<model> model, encoder_params p) : m(std::move(model)), params(checked(std::move(p), *m)),
                                                                               kv(m->hp, (int32_t) params.anchor.size() + params.n_chunk, &params.calib), kernels(fasa_kernels_best()),
                                                                               backend(params.n_threads, &abort) {
    layout.fingerprint = m->summary.fingerprint;
    layout.n_layer = m->hp.n_layer;
    layout.n_head_kv = m->hp.n_head_kv;
    layout.head_size = m->hp.head_size;
    layout.n_channels = kv.n_channels;
    layout.row_type = params.row_type;
}

// Tokens go to cells from `cell` on; token i sees the anchor, and the cells from seen_from[i] to its own.
void chunk_encoder::run_batch(const std::vector<int32_t> & ids, const std::vector<int32_t> & positions, const std::vector<int32_t> & seen_from, int32_t cell) {
    const int32_t n = (int32_t) ids.size(), n_anchor = (int32_t) params.anchor.size();
    graph_shape shape;
    shape.n_tokens = n;
    shape.n_kv = kv_cells(cell + n);
    graph_of_shape(graph, shape, [&] { return std::make_unique<decoder_graph>(*m, kv, nullptr, backend.get(), shape); });
    std::vector<int64_t> cells(n);
    const ggml_fp16_t hidden = ggml_fp32_to_fp16(-INFINITY), seen = 0;
    std::vector<ggml_fp16_t> mask((size_t) shape.n_kv * n, hidden);
    for (int32_t i = 0; i < n; i++) {
        cells[i] = cell + i;
        ggml_fp16_t * row = mask.data() + (size_t) i * shape.n_kv;
        std::fill(row, row + std::min(n_anchor, cell + i + 1), seen);
        std::fill(row + seen_from[i], row + cell + i + 1, seen);
    }
    graph_set_input(graph->tokens, ids.data());
    graph_set_input(graph->positions, positions.data());
    graph_set_input(graph->cells, cells.data());
    graph_set_input(graph->mask, mask.data());
    m->check_file();
    backend.run(graph->graph);
}

void chunk_encoder::run_group(const group & g, const task_flags & flags, const std::function<void(int32_t)> & progress) {
    const int32_t n_anchor = (int32_t) params.anchor.size(), n = (int32_t) g.tokens.size();
    if (!anchored) {
        std::vector<int32_t> positions(n_anchor);
        for (int32_t i = 0; i < n_anchor; i++) {
            positions[i] = i;
        }
        run_batch(params.anchor, positions, std::vector<int32_t>(n_anchor, 0), 0);
        anchored = true;
    }
    if (!(current == g)) {
        current = g;
        n_done = 0;
    }
    progress(n_done);
    size_t chunk = 0;
    while (n_done < n) {
        flags.check();
        const int32_t n_batch = std::min(params.n_ubatch, n - n_done);
        const std::vector<int32_t> ids(g.tokens.begin() + n_done, g.tokens.begin() + n_done + n_batch);
        std::vector<int32_t> positions, seen_from;
        for (int32_t i = n_done; i < n_done + n_batch; i++) {
            while (chunk + 1 < g.begins.size() && g.begins[chunk + 1] <= i) {
                chunk++;
            }
            positions.push_back(n_anchor + i - g.begins[chunk]);
            seen_from.push_back(n_anchor + g.begins[chunk]);
        }
        run_batch(ids, positions, seen_from, n_anchor + n_done);
        n_done += n_batch;
        progress(n_done);
    }
}

std::vector<std::shared_ptr<kv_chunk>> chunk_encoder::encode(const std::vector<chunk_source> & sources, const task_flags & flags,
    const std::function<void(int32_t n_done)> & progress) {
    const abort_scope running(abort, flags);
    for (const chunk_source & s : sources) {
        if (s.tokens.empty() || s.tokens.size() > (size_t) params.n_chunk) {
            fail(ERROR_BAD_ARGUMENT, "a chunk of %zu tokens is not possible, at most %d", s.tokens.size(), params.n_chunk);
        }
        m->check_tokens(s.tokens);
    }
    std::vector<std::shared_ptr<kv_chunk>> out;
    int32_t n_before = 0;
    for (size_t next = 0; next < sources.size();) {
        group g;
        const size_t first = next;
        for (; next < sources.size() && g.tokens.size() + sources[next].tokens.size() <= (size_t) params.n_chunk; next++) {
            g.begins.push_back((int32_t) g.tokens.size());
            g.tokens.insert(g.tokens.end(), sources[next].tokens.begin(), sources[next].tokens.end());
        }
        run_group(g, flags, [&](int32_t n) { progress(n_before + n); });
        n_before += (int32_t) g.tokens.size();
        for (size_t i = first; i < next; i++) {
            const int32_t cell = (int32_t) params.anchor.size() + g.begins[i - first];
            out.push_back(stored(kv_chunk::from_cells(layout, kv, cell, (int32_t) sources[i].tokens.size(), kernels), sources[i]));
        }
    }
    return out;
}

std::shared_ptr<kv_chunk> chunk_encoder::stored(std::shared_ptr<kv_chunk> chunk, const chunk_source & source) const {
    if (source.file.empty()) {
        return chunk;
    }
    chunk->problem = chunk->write(source.file, source.address);
    if (!chunk->problem.empty()) {
        return chunk; // it stays in memory
    }
    chunk->file = source.file;
    if (params.in_memory) {
        return chunk;
    }
    try {
        return open(source.file, source.address);
    } catch (const native_error & e) { // another program took it away
        chunk->problem = e.what();
        return chunk;
    }
}

std::shared_ptr<kv_chunk> chunk_encoder::open(const std::string & file, const std::string & address) const {
    return kv_chunk::open(layout, file, address, params.in_memory);
}
