#pragma once

// FASA attention of one or a few decoded tokens inside the graph, as custom ops on ggml's thread pool:
//   TIP:       scores of every cached token per query head, from the dominant FCs alone
//   selection: per KV head, the best tokens by the group's sum of softmax
//   FAC:       exact softmax attention over anchor, chosen tokens and recent window
// A step reads the sequence's own cache and the retrieved chunks, all in one softmax.
// Source of the method: arXiv 2602.03152; group sum, int4 ranges per page and channel, exact sink: docs/calibration.md.

#include "attention/attention_mass.h"
#include "kernels/kernels.h"
#include "kv/cache.h"
#include "kv/chunk.h"

#include "ggml.h"

#include <atomic>
#include <cstdint>
#include <vector>

constexpr int32_t FASA_ANCHOR_TOKENS = 4;  // attention sink: always attended, scored exactly; more with a composition
constexpr int32_t FASA_WINDOW_TOKENS = 32; // the newest tokens: always attended

// Another way to predict which tokens a query attends to: takes the place of TIP. Those there are: bench/native/policy.h.
struct choice_policy {
    virtual ~choice_policy() = default;

    // importance of tokens [0, n_kv) to the query heads of one KV head. Called by several threads at once.
    // q [n_group][head_size], not scaled; importance [n_kv]
    virtual void importance(int32_t il, int32_t head, const float * q, int32_t n_kv, float * importance) const = 0;
};

struct fasa_session {
    fasa_session(const model_hparams & hp, const kv_cache & kv, int32_t n_threads);
    fasa_session(const fasa_session &) = delete;
    fasa_session & operator=(const fasa_session &) = delete;

    // Set before each run: cached tokens, those of the run included, and tokens that FAC may read per KV head.
    int32_t n_kv = 0;
    int32_t budget = 0;
    int32_t n_anchor = FASA_ANCHOR_TOKENS;
    // importance by this instead of TIP; nullptr: TIP. Over the sequence's own tokens alone.
    const choice_policy * policy = nullptr;
    const std::atomic<bool> * abort = nullptr; // checked between two tokens of a run

    // The chunks that are read besides the sequence, until others are set; nullptr: none.
    void set_chunks(const chunk_set * chunks);
    int32_t n_chunk_tokens() const { return chunks ? chunks->n_tokens() : 0; }

    // q [head_size, n_head, n_tokens] f32, rotated; stored_k and stored_v: the ops that wrote the tokens' rows, so that they
    // run first. Returns [head_size, n_head, n_tokens] f32.
    ggml_tensor * build(ggml_context * ctx, int32_t il, ggml_tensor * q, int32_t n_tokens, ggml_tensor * stored_k, ggml_tensor * stored_v);

    // bytes of keys, values and importance keys that a step reads, all layers and KV heads
    int64_t bytes_read() const;

    // Adds up the attention of decoded tokens (runs of one token), from none on; off again, what was counted stays.
    void count_attention(bool on);
    attention_mass counted_attention(int32_t n_own) const; // n_own: tokens of the sequence

    const fasa_kernels * kernels;

    // nanoseconds of the pool's first thread in each stage, summed up since the last reset
    struct stage_times {
        int64_t tip = 0, selection = 0, fac = 0;
    };
    stage_times times;

private:
    struct layer_op {
        fasa_session * session;
        int32_t il;
    };

    // Consecutive rows of one kind in a choice.
    struct row_range {
        int32_t begin, end;
        bool q8_0;
        bool biased;
    };

    // Buffers for the choice of one KV head, used by one thread or by one stage after the other.
    struct work_area {
        std::vector<float> scores;     // [n_group][n_flat_max]; of a few tokens where they share a scan
        std::vector<float> importance; // [n_flat_max]
        std::vector<char> top_k_scratch;
        std::vector<int32_t> best;          // flat indices, ascending
        std::vector<const uint16_t *> rows; // of the chosen tokens
        std::vector<int32_t> flat;          // their flat indices
        std::vector<row_range> ranges;
        std::vector<float> logits; // [n_group][rows]
    };

    const model_hparams & hp;
    const kv_cache & kv;
    std::vector<layer_op> ops; // userdata of the custom ops: addresses must not change
    std::vector<work_area> areas;

    // Flat indices: first the chunks, each from a whole page on, then the sequence's own tokens.
    const chunk_set * chunks = nullptr;
    const kv_chunk & chunk_at(int32_t i) const { return *chunks->chunks[i].chunk; }
    struct page_place {
        int32_t chunk, page;
    };
    std::vector<page_place> chunk_pages; // of each flat page
    std::vector<int32_t> chunk_begins;   // flat index of each chunk's first token
    int32_t n_flat_chunks() const { return (int32_t) chunk_pages.size() * FASA_PAGE_TOKENS; }
    int32_t n_flat_max() const { return n_flat_chunks() + kv.n_cells; }

    bool counting = false;
    attention_counter counter;

    static void run_tip(ggml_tensor * dst, int ith, int nth, void * userdata);
    static void run_selection(ggml_tensor * dst, int ith, int nth, void * userdata);
    static void run_fac(ggml_tensor * dst, int ith, int nth, void * userdata);
    static void run_all(ggml_tensor * dst, int ith, int nth, void * userdata);

    // q: the token's queries [n_head][head_size]; n_kv: the sequence's tokens that it sees
    struct query {
        const float * q;
        int32_t n_kv;
    };
    // What TIP reads of a group's queries, kept from one unit to the next.
    struct tip_query;
    void query_channels(int32_t il, int32_t head, const query & q, float * out) const;
    void tip_chunk_page(int32_t il, int32_t head, int32_t i, const float * q_channels, int32_t n_q, float * scores, size_t stride) const;
    void tip_unit(float * scores, int32_t il, int32_t head, int32_t unit, const query & q, tip_query & last) const;
    void fetch_ahead(int32_t il, int32_t head, int32_t i) const;
    void select(work_area & area, float * scores, int32_t il, int32_t head, const query & q);
    void run_block(work_area & area, int32_t il, int32_t head, int32_t first, int32_t n, ggml_tensor * dst);
    void attend(work_area & area, int32_t head, int32_t first, int32_t n_q, const query & q, float * out);
    void gather(work_area & area, int32_t il, int32_t head, const int32_t * list, int32_t n) const;
    int32_t n_units(int32_t n_own) const;
    int32_t n_closed(int32_t n_own) const; // pages of the sequence that TIP scans
    bool reads_all(int32_t n_own) const { return budget >= n_own + n_chunk_tokens(); }
};
