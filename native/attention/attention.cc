#include "attention/attention.h"

#include "base/error.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

// stack space of TIP: query channels of a group
constexpr int32_t MAX_GROUP = 32;
constexpr int32_t MAX_CHANNELS = FASA_HEAD_SIZE_MAX;

// tokens of a run that share one scan of the chunks
constexpr int32_t BLOCK_TOKENS = 4;

// Pages: about as far as the kernel itself prefetches.
constexpr int32_t FETCH_AHEAD_PAGES = 2;

struct fasa_session::tip_query {
    int32_t head = -1;
    float channels[MAX_GROUP * MAX_CHANNELS];
};

// Adds the time it lives to a stage, on the first thread of the pool.
struct stage_timer {
    using clock = std::chrono::steady_clock;
    int64_t * sum;
    clock::time_point begin = clock::now();
    stage_timer(int64_t & sum, int ith) : sum(ith == 0 ? &sum : nullptr) {}
    ~stage_timer() {
        if (sum) {
            *sum += std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - begin).count();
        }
    }
};

fasa_session::fasa_session(const model_hparams & hp, const kv_cache & kv, int32_t n_threads) : kernels(fasa_kernels_best()), hp(hp), kv(kv) {
    if (kv.n_channels > 0 && (hp.n_group() > MAX_GROUP || kv.n_channels > MAX_CHANNELS)) {
        fail(ERROR_UNSUPPORTED_MODEL, "FASA supports up to %d query heads on a KV head, the model has %d", MAX_GROUP, hp.n_group());
    }
    for (int32_t il = 0; il < hp.n_layer; il++) {
        ops.push_back({ this, il });
    }
    areas.resize(std::max(hp.n_head_kv, n_threads));
    set_chunks(nullptr);
}

void fasa_session::set_chunks(const chunk_set * set) {
    chunks = set && !set->chunks.empty() ? set : nullptr;
    chunk_pages.clear();
    chunk_begins.clear();
    counting = false;
    if (chunks) {
        for (const retrieved_chunk & c : chunks->chunks) {
            const int32_t i = (int32_t) chunk_begins.size();
            chunk_begins.push_back(n_flat_chunks());
            for (int32_t page = 0; page < c.chunk->n_pages(); page++) {
                chunk_pages.push_back({ i, page });
            }
        }
    }
    const size_t n = n_flat_max(), n_rows = (size_t) kv.n_cells + n_chunk_tokens();
    for (work_area & area : areas) {
        area.scores.resize(hp.n_group() * n);
        area.importance.resize(n);
        area.top_k_scratch.resize(fasa_top_k_scratch_bytes((int32_t) n));
        area.best.resize(n);
        area.rows.reserve(n_rows);
        area.flat.reserve(n_rows);
        area.logits.resize(hp.n_group() * n_rows);
    }
}

int32_t fasa_session::n_closed(int32_t n_own) const { return std::min(kv.n_closed, n_own / FASA_PAGE_TOKENS); }

int32_t fasa_session::n_units(int32_t n_own) const {
    return (int32_t) chunk_pages.size() + n_closed(n_own) + (n_own > n_closed(n_own) * FASA_PAGE_TOKENS ? 1 : 0);
}

int64_t fasa_session::bytes_read() const {
    const int64_t row = (int64_t) hp.head_size * 2 * 2;
    const int64_t row_chunk = chunks ? (int64_t) chunk_at(0).layout.row_bytes() : row;
    const int64_t n_chunks = n_chunk_tokens();
    const int64_t closed = n_closed(n_kv);
    const int64_t n_exact = n_kv - closed * FASA_PAGE_TOKENS + (closed > 0 ? n_anchor : 0);
    const int64_t scan = (closed + (int64_t) chunk_pages.size()) * (int64_t) kv.page_bytes + n_exact * kv.n_channels * 2;
    const int64_t n_heads = (int64_t) hp.n_layer * hp.n_head_kv;
    return (reads_all(n_kv) ? n_kv * row + n_chunks * row_chunk : scan + budget * row) * n_heads;
}

// the channels that TIP reads of a group's queries, times 1/sqrt(d): [n_group][n_channels]
void fasa_session::query_channels(int32_t il, int32_t head, const query & query, float * out) const {
    const int32_t n_group = hp.n_group();
    const int32_t * channels = kv.head_channels(il, head);
    const float scale = 1.0f / sqrtf((float) hp.head_size);
    for (int32_t h = 0; h < n_group; h++) {
        const float * row = query.q + (size_t) (head * n_group + h) * hp.head_size;
        for (int32_t c = 0; c < kv.n_channels; c++) {
            out[h * kv.n_channels + c] = row[channels[c]] * scale;
        }
    }
}

// Flat page i is a chunk's; its scores go to scores + h*stride for each of n_q queries.
void fasa_session::tip_chunk_page(int32_t il, int32_t head, int32_t i, const float * q_channels, int32_t n_q, float * scores, size_t stride) const {
    const page_place place = chunk_pages[i];
    const retrieved_chunk & c = chunks->chunks[place.chunk];
    kernels->tip_page(q_channels, n_q, kv.n_channels, c.chunk->page(il, head, place.page), c.prior, scores, stride);
    const int32_t n = std::min(FASA_PAGE_TOKENS, c.chunk->n_tokens - place.page * FASA_PAGE_TOKENS);
    for (int32_t h = 0; h < n_q && n < FASA_PAGE_TOKENS; h++) {
        std::fill(scores + h * stride + n, scores + h * stride + FASA_PAGE_TOKENS, -std::numeric_limits<float>::infinity());
    }
}

// The kernel prefetches the memory after a page, where the next page of the same chunk lies; those of the next chunk lie elsewhere.
void fasa_session::fetch_ahead(int32_t il, int32_t head, int32_t i) const {
    const int32_t next = i + FETCH_AHEAD_PAGES;
    if (next < (int32_t) chunk_pages.size() && chunk_pages[next].page < FETCH_AHEAD_PAGES) {
        const kv_chunk & c = chunk_at(chunk_pages[next].chunk);
        const char * page = c.page(il, head, chunk_pages[next].page);
        for (size_t at = 0; at < (size_t) kv.page_bytes; at += 64) {
            __builtin_prefetch(page + at);
        }
    }
}

// unit: a page of a chunk; then a closed page of the sequence; or (the last one) its open page and the sink, whose keys are
// read exactly. scores: [n_group][n_flat_max]
void fasa_session::tip_unit(float * scores, int32_t il, int32_t head, int32_t unit, const query & query, tip_query & last) const {
    const int32_t n_group = hp.n_group(), n_chunk_pages = (int32_t) chunk_pages.size();
    const size_t stride = n_flat_max();
    if (last.head != head) {
        last.head = head;
        query_channels(il, head, query, last.channels);
    }
    const float * q_channels = last.channels;
    float * out = scores + (size_t) unit * FASA_PAGE_TOKENS;
    if (unit < n_chunk_pages) {
        fetch_ahead(il, head, unit);
        tip_chunk_page(il, head, unit, q_channels, n_group, out, stride);
        return;
    }
    const int32_t i = unit - n_chunk_pages;
    const int32_t * channels = kv.head_channels(il, head);
    const uint16_t * keys = kv.rows(il, head);
    if (i < n_closed(query.n_kv)) {
        kernels->tip_page(q_channels, n_group, kv.n_channels, kv.page(il, head, i), 0, out, stride);
        if (i == 0) {
            kernels->tip_rows(q_channels, n_group, channels, kv.n_channels, keys, kv.row_stride(), std::min(n_anchor, FASA_PAGE_TOKENS), out, stride);
        }
        return;
    }
    const int32_t begin = i * FASA_PAGE_TOKENS;
    kernels->tip_rows(q_channels, n_group, channels, kv.n_channels, keys + (size_t) begin * kv.row_stride(), kv.row_stride(), query.n_kv - begin, out, stride);
}

// Appends the rows of a list of flat indices, and the ranges of rows of one kind among them.
void fasa_session::gather(work_area & area, int32_t il, int32_t head, const int32_t * list, int32_t n) const {
    const int32_t n_chunks = n_flat_chunks();
    for (int32_t i = 0; i < n; i++) {
        const int32_t at = list[i];
        row_range kind = { (int32_t) area.rows.size(), 0, false, false };
        if (at < n_chunks) {
            const int32_t place = chunk_pages[at / FASA_PAGE_TOKENS].chunk;
            const kv_chunk & c = chunk_at(place);
            area.rows.push_back((const uint16_t *) (c.rows(il, head) + (size_t) (at - chunk_begins[place]) * c.layout.row_bytes()));
            kind.q8_0 = c.layout.row_type == KV_ROWS_Q8_0;
            kind.biased = chunks->bias != 0;
        } else {
            area.rows.push_back(kv.rows(il, head) + (size_t) (at - n_chunks) * kv.row_stride());
        }
        area.flat.push_back(at);
        if (area.ranges.empty() || area.ranges.back().q8_0 != kind.q8_0 || area.ranges.back().biased != kind.biased) {
            area.ranges.push_back(kind);
        }
        area.ranges.back().end = (int32_t) area.rows.size();
    }
}

void fasa_session::select(work_area & area, float * scores, int32_t il, int32_t head, const query & query) {
    const int32_t n_chunks = n_flat_chunks(), n_own = query.n_kv, n_all = n_chunks + n_own;
    area.rows.clear();
    area.flat.clear();
    area.ranges.clear();
    int32_t * best = area.best.data();
    if (reads_all(n_own)) {
        int32_t n = 0;
        for (int32_t i = 0; i < n_chunks; i++) {
            const page_place place = chunk_pages[i / FASA_PAGE_TOKENS];
            if (i - chunk_begins[place.chunk] < chunk_at(place.chunk).n_tokens) {
                best[n++] = i;
            }
        }
        for (int32_t i = n_chunks; i < n_all; i++) {
            best[n++] = i;
        }
        gather(area, il, head, best, n);
        return;
    }
    float * values = area.importance.data();
    const int32_t n_group = hp.n_group();
    if (policy) {
        policy->importance(il, head, query.q + (size_t) head * n_group * hp.head_size, n_own, values);
    } else {
        kernels->importance(scores, n_flat_max(), n_group, n_all, values);
    }
    // a budget too small for anchor and window keeps the newest tokens
    const int32_t n_first = std::min({ n_anchor, budget, n_own });
    const int32_t n_window = std::min({ FASA_WINDOW_TOKENS, budget - n_first, n_own - n_first });
    const int32_t n_best = budget - n_first - n_window;
    for (int32_t i = 0; i < n_chunks; i += FASA_PAGE_TOKENS) { // a chunk's last page may be padded: padding is never chosen
        const page_place place = chunk_pages[i / FASA_PAGE_TOKENS];
        const int32_t n = chunk_at(place.chunk).n_tokens - place.page * FASA_PAGE_TOKENS;
        if (n < FASA_PAGE_TOKENS) {
            std::fill(values + i + n, values + i + FASA_PAGE_TOKENS, -1.0f);
        }
    }
    std::vector<int32_t> & ends = area.flat; // not in use yet
    for (int32_t i = 0; i < n_first; i++) {
        ends.push_back(n_chunks + i);
    }
    for (int32_t i = 0; i < n_window; i++) {
        ends.push_back(n_all - n_window + i);
    }
    int32_t always[FASA_WINDOW_TOKENS + FASA_PAGE_TOKENS];
    const int32_t n_always = (int32_t) ends.size();
    std::copy(ends.begin(), ends.end(), always);
    ends.clear();
    const int32_t begin = n_chunks > 0 ? 0 : n_first;
    std::fill_n(values + n_chunks, n_first, -1.0f);
    kernels->top_k(values, begin, n_all - n_window, n_best, best, area.top_k_scratch.data());
    gather(area, il, head, best, n_best);
    gather(area, il, head, always, n_always);
}

// query heads [first, first + n_q) of a KV head
void fasa_session::attend(work_area & area, int32_t head, int32_t first, int32_t n_q, const query & query, float * out) {
    const int32_t d = hp.head_size, n = (int32_t) area.rows.size();
    const float scale = 1.0f / sqrtf((float) d);
    float * logits = area.logits.data() + (size_t) (first - head * hp.n_group()) * n;
    for (const row_range & range : area.ranges) {
        const float * q = query.q + (size_t) first * d;
        const auto row_logits = range.q8_0 ? kernels->row_logits_q8 : kernels->row_logits;
        row_logits(q, n_q, d, area.rows.data() + range.begin, range.end - range.begin, scale, logits + range.begin, n);
        if (range.biased) {
            for (int32_t h = 0; h < n_q; h++) {
                for (int32_t i = range.begin; i < range.end; i++) {
                    logits[(size_t) h * n + i] += chunks->bias;
                }
            }
        }
    }
    for (int32_t h = 0; h < n_q; h++) {
        kernels->softmax(logits + (size_t) h * n, n);
        if (counting) { // all but the anchor and the window of the sequence
            const int32_t own = n_flat_chunks();
            counter.add(first + h, area.flat, logits + (size_t) h * n, { own, own + n_anchor, own + query.n_kv - FASA_WINDOW_TOKENS });
        }
    }
    std::fill_n(out, (size_t) n_q * d, 0.0f);
    for (const row_range & range : area.ranges) {
        const auto value_sum = range.q8_0 ? kernels->value_sum_q8 : kernels->value_sum;
        value_sum(logits + range.begin, n, n_q, d, area.rows.data() + range.begin, range.end - range.begin, out);
    }
}

void fasa_session::count_attention(bool on) {
    if (on) {
        counter.start(hp.n_head, n_flat_max());
    }
    counting = on;
}

attention_mass fasa_session::counted_attention(int32_t n_own) const {
    attention_mass out;
    for (size_t c = 0; c < chunk_begins.size(); c++) {
        out.chunks.push_back(counter.shares(chunk_begins[c], chunk_at((int32_t) c).n_tokens));
    }
    out.own = counter.shares(n_flat_chunks(), n_own);
    return out;
}

void fasa_session::run_tip(ggml_tensor * dst, int ith, int nth, void * userdata) {
    const layer_op & op = *(const layer_op *) userdata;
    fasa_session & s = *op.session;
    if (s.reads_all(s.n_kv) || s.policy) {
        return; // all tokens are read, or a policy chooses them
    }
    const stage_timer timer(s.times.tip, ith);
    const query q = { (const float *) dst->src[0]->data, s.n_kv };
    const int32_t n_units = s.n_units(s.n_kv);
    const int64_t total = (int64_t) n_units * s.hp.n_head_kv;
    tip_query last;
    for (int64_t u = total * ith / nth; u < total * (ith + 1) / nth; u++) {
        const int32_t head = (int32_t) (u / n_units);
        s.tip_unit(s.areas[head].scores.data(), op.il, head, (int32_t) (u % n_units), q, last);
    }
}

void fasa_session::run_selection(ggml_tensor * dst, int ith, int nth, void * userdata) {
    const layer_op & op = *(const layer_op *) userdata;
    fasa_session & s = *op.session;
    const query q = { (const float *) dst->src[1]->data, s.n_kv };
    const stage_timer timer(s.times.selection, ith);
    for (int32_t head = ith; head < s.hp.n_head_kv; head += nth) {
        s.select(s.areas[head], s.areas[head].scores.data(), op.il, head, q);
    }
}

void fasa_session::run_fac(ggml_tensor * dst, int ith, int nth, void * userdata) {
    const layer_op & op = *(const layer_op *) userdata;
    fasa_session & s = *op.session;
    const stage_timer timer(s.times.fac, ith);
    const query q = { (const float *) dst->src[0]->data, s.n_kv };
    float * out = (float *) dst->data;
    const int32_t n_group = s.hp.n_group();
    // whole groups share the rows they load; where threads do not divide the KV heads, single query heads balance better
    const int32_t n_q = s.hp.n_head_kv % nth == 0 ? n_group : 1;
    for (int32_t h = ith * n_q; h < s.hp.n_head; h += nth * n_q) {
        const int32_t head = h / n_group;
        s.attend(s.areas[head], head, h, n_q, q, out + (size_t) h * s.hp.head_size);
    }
}

// Several tokens, each over what comes before it: a thread takes a block of them and a KV head.
void fasa_session::run_all(ggml_tensor * dst, int ith, int nth, void * userdata) {
    const layer_op & op = *(const layer_op *) userdata;
    fasa_session & s = *op.session;
    const stage_timer timer(s.times.fac, ith);
    const int32_t n_tokens = (int32_t) dst->ne[2], n_head_kv = s.hp.n_head_kv;
    const int32_t n_blocks = (n_tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
    for (int32_t i = ith; i < n_blocks * n_head_kv; i += nth) {
        if (s.abort && s.abort->load(std::memory_order_relaxed)) {
            return; // the graph ends after this node
        }
        const int32_t t = i / n_head_kv * BLOCK_TOKENS;
        s.run_block(s.areas[ith], op.il, i % n_head_kv, t, std::min(BLOCK_TOKENS, n_tokens - t), dst);
    }
}

// n tokens from the run's token `first` on, over one KV head
void fasa_session::run_block(work_area & area, int32_t il, int32_t head, int32_t first, int32_t n, ggml_tensor * dst) {
    const int32_t n_tokens = (int32_t) dst->ne[2], n_group = hp.n_group(), n_chunk_pages = (int32_t) chunk_pages.size();
    const size_t token = (size_t) hp.n_head * hp.head_size, stride = n_flat_max();
    query queries[BLOCK_TOKENS];
    for (int32_t t = 0; t < n; t++) {
        queries[t] = { (const float *) dst->src[0]->data + (first + t) * token, n_kv - n_tokens + first + t + 1 };
    }
    const bool scans = !reads_all(n_kv - n_tokens + first + n) && !policy; // what the last one sees
    if (scans) {
        area.scores.resize(std::max(area.scores.size(), BLOCK_TOKENS * n_group * stride));
        float q_channels[BLOCK_TOKENS * MAX_GROUP * MAX_CHANNELS];
        for (int32_t t = 0; t < n; t++) {
            query_channels(il, head, queries[t], q_channels + (size_t) t * n_group * kv.n_channels);
        }
        for (int32_t unit = 0; unit < n_chunk_pages; unit++) { // a page is read once for all tokens of the block
            fetch_ahead(il, head, unit);
            tip_chunk_page(il, head, unit, q_channels, n * n_group, area.scores.data() + (size_t) unit * FASA_PAGE_TOKENS, stride);
        }
    }
    for (int32_t t = 0; t < n; t++) {
        float * scores = area.scores.data() + (scans ? (size_t) t * n_group * stride : 0);
        tip_query last;
        for (int32_t unit = n_chunk_pages; scans && unit < n_units(queries[t].n_kv); unit++) {
            tip_unit(scores, il, head, unit, queries[t], last);
        }
        select(area, scores, il, head, queries[t]);
        attend(area, head, head * n_group, n_group, queries[t], (float *) dst->data + (first + t) * token + (size_t) head * n_group * hp.head_size);
    }
}

ggml_tensor * fasa_session::build(ggml_context * ctx, int32_t il, ggml_tensor * q, int32_t n_tokens, ggml_tensor * stored_k, ggml_tensor * stored_v) {
    ggml_tensor * args[] = { q, stored_k, stored_v };
    if (n_tokens > 1) {
        return ggml_custom_4d(ctx, GGML_TYPE_F32, hp.head_size, hp.n_head, n_tokens, 1, args, 3, run_all, GGML_N_TASKS_MAX, &ops[il]);
    }
    // scores and choice live in the session: the results of the first two ops only make the third run after them
    ggml_tensor * tip = ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, args, 3, run_tip, GGML_N_TASKS_MAX, &ops[il]);
    ggml_tensor * selection_args[] = { tip, q };
    ggml_tensor * selection = ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, selection_args, 2, run_selection, GGML_N_TASKS_MAX, &ops[il]);
    ggml_tensor * fac_args[] = { q, selection };
    return ggml_custom_4d(ctx, GGML_TYPE_F32, hp.head_size, hp.n_head, 1, 1, fac_args, 2, run_fac, GGML_N_TASKS_MAX, &ops[il]);
}
