#include "bench/native/reference.h"

#include "base/error.h"
#include "model/gguf_file.h"
#include "model/hparams.h"
#include "model/model.h"

#include <algorithm>
#include <chrono>
#include <cstring>

bool reference::is_aborted(void * self) {
    const auto * abort = ((const reference *) self)->abort;
    return abort && *abort;
}

constexpr int32_t N_BATCH = 512;

reference::reference(const std::string & path, const reference_params & params) {
    {
        const gguf_file file(path); // the same checks as for our own loader
        model_check_tensors(file, model_hparams_read(file));
    }
    static ggml_backend_dev_t no_devices[] = { nullptr }; // with a GPU plugin loaded, n_gpu_layers = 0 alone still uses it
    assertion_guard guard;
    llama_model_params mp = llama_model_default_params();
    mp.n_gpu_layers = 0;
    mp.devices = no_devices;
    model.reset(llama_model_load_from_file(path.c_str(), mp));
    if (!model) {
        fail(ERROR_BACKEND, "libllama cannot load %s", path.c_str());
    }
    llama_context_params cp = llama_context_default_params();
    cp.n_ctx = params.n_ctx;
    cp.n_batch = N_BATCH;
    cp.n_ubatch = N_BATCH;
    cp.n_threads = cp.n_threads_batch = params.n_threads;
    cp.type_k = cp.type_v = params.q8_0_cache ? GGML_TYPE_Q8_0 : GGML_TYPE_F16;
    cp.flash_attn_type = params.flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    cp.abort_callback = is_aborted;
    cp.abort_callback_data = this;
    ctx.reset(llama_init_from_model(model.get(), cp));
    if (!ctx) {
        fail(ERROR_OUT_OF_MEMORY, "libllama cannot make a context of %d tokens", params.n_ctx);
    }
}

struct reference_abort_scope {
    const std::atomic<bool> *& slot;
    reference_abort_scope(const std::atomic<bool> *& slot, const std::atomic<bool> & flag) : slot(slot) { slot = &flag; }
    ~reference_abort_scope() { slot = nullptr; }
};

void reference::check_tokens(const std::vector<int32_t> & tokens, int32_t n_more) const {
    const int32_t n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
    if (tokens.size() + n_more > llama_n_ctx(ctx.get())) {
        fail(ERROR_CONTEXT_FULL, "%zu tokens do not fit the reference's context", tokens.size() + n_more);
    }
    for (const int32_t id : tokens) {
        if (id < 0 || id >= n_vocab) {
            fail(ERROR_BAD_ARGUMENT, "there is no token %d", id);
        }
    }
}

// Computes tokens after n_past cached ones. Rows of logits, one for each token >= from (counted from the first computed one), are consecutive.
void reference::decode(const int32_t * tokens, int32_t n, int32_t n_past, int32_t from, float * logits) {
    const int32_t n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
    llama_batch batch = llama_batch_init(N_BATCH, 0, 1);
    int32_t rc = 0;
    for (int32_t at = 0; at < n && rc == 0; at += batch.n_tokens) {
        batch.n_tokens = std::min(N_BATCH, n - at);
        for (int32_t i = 0; i < batch.n_tokens; i++) {
            batch.token[i] = tokens[at + i];
            batch.pos[i] = n_past + at + i;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = at + i >= from;
        }
        rc = llama_decode(ctx.get(), batch);
        for (int32_t i = 0; i < batch.n_tokens && rc == 0; i++) {
            if (batch.logits[i]) {
                memcpy(logits, llama_get_logits_ith(ctx.get(), i), n_vocab * sizeof(float));
                logits += n_vocab;
            }
        }
    }
    llama_batch_free(batch);
    if (rc == 2) {
        fail(ERROR_CANCELLED, "cancelled");
    }
    if (rc != 0) {
        fail(ERROR_BACKEND, "llama_decode returned %d", rc);
    }
}

std::vector<float> reference::evaluate(const std::vector<int32_t> & tokens, int32_t from, const std::atomic<bool> & abort_flag) {
    const int32_t n = (int32_t) tokens.size();
    if (from < 0 || from >= n) {
        fail(ERROR_BAD_ARGUMENT, "logits from position %d of %d tokens are not possible", from, n);
    }
    check_tokens(tokens, 0);
    const reference_abort_scope scope(abort, abort_flag);
    llama_memory_clear(llama_get_memory(ctx.get()), true);
    std::vector<float> out((size_t) (n - from) * llama_vocab_n_tokens(llama_model_get_vocab(model.get())));
    decode(tokens.data(), n, 0, from, out.data());
    return out;
}

double reference::time_prefill(const std::vector<int32_t> & tokens, const std::atomic<bool> & abort_flag) {
    check_tokens(tokens, 0);
    const reference_abort_scope scope(abort, abort_flag);
    llama_memory_clear(llama_get_memory(ctx.get()), true);
    std::vector<float> logits(llama_vocab_n_tokens(llama_model_get_vocab(model.get())));
    const auto begin = std::chrono::steady_clock::now();
    decode(tokens.data(), (int32_t) tokens.size(), 0, (int32_t) tokens.size() - 1, logits.data());
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<double> reference::time_steps(const std::vector<int32_t> & tokens, int32_t depth, int32_t n_steps, const std::atomic<bool> & abort_flag) {
    check_tokens(tokens, 0);
    if (n_steps < 1 || depth < 0 || depth + n_steps > (int32_t) llama_n_ctx(ctx.get()) || tokens.size() < 2) {
        fail(ERROR_BAD_ARGUMENT, "%d steps at %d tokens are not possible", n_steps, depth);
    }
    const reference_abort_scope scope(abort, abort_flag);
    const llama_memory_t memory = llama_get_memory(ctx.get());
    const int32_t n_real = std::min(depth, (int32_t) tokens.size());
    if (llama_memory_seq_pos_max(memory, 0) + 1 != depth) { // kept from the turn before
        llama_memory_clear(memory, true);
        decode(tokens.data(), n_real, 0, n_real, nullptr);
        if (depth > n_real) {
            repeat_cells(n_real, depth);
        }
    }
    std::vector<double> ms;
    std::vector<float> logits(llama_vocab_n_tokens(llama_model_get_vocab(model.get())));
    for (int32_t i = 0; i < n_steps; i++) {
        const auto begin = std::chrono::steady_clock::now();
        decode(&tokens[i % tokens.size()], 1, depth + i, 0, logits.data());
        ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    llama_memory_seq_rm(memory, 0, depth, -1);
    return ms;
}

namespace {

// a saved sequence of libllama v0.4.0 (llama-kv-cache.cpp, state_write_meta and state_write_data), read and written in parts
struct state_copy {
    const std::vector<uint8_t> & from;
    std::vector<uint8_t> to;
    size_t pos = 0;

    const uint8_t * take(size_t n) {
        if (n > from.size() - pos) {
            fail(ERROR_BACKEND, "libllama's saved state has another layout than expected");
        }
        pos += n;
        return from.data() + pos - n;
    }
    void put(const void * data, size_t n) { to.insert(to.end(), (const uint8_t *) data, (const uint8_t *) data + n); }
    template <typename T> T copy() {
        T value;
        memcpy(&value, take(sizeof(T)), sizeof(T));
        put(&value, sizeof(T));
        return value;
    }
    // n_from rows become n_to rows; row 0 is the sink and is not repeated
    void repeat(size_t row_bytes, int32_t n_from, int32_t n_to) {
        const uint8_t * rows = take(row_bytes * n_from);
        put(rows, row_bytes * n_from);
        for (int32_t t = n_from; t < n_to; t++) {
            put(rows + (1 + (t - n_from) % (n_from - 1)) * row_bytes, row_bytes);
        }
    }
};

} // namespace

void reference::repeat_cells(int32_t n_from, int32_t n_to) {
    std::vector<uint8_t> saved(llama_state_seq_get_size(ctx.get(), 0));
    saved.resize(llama_state_seq_get_data(ctx.get(), saved.data(), saved.size(), 0));
    state_copy s { saved, {}, 0 };
    s.copy<uint32_t>(); // magic
    s.copy<int32_t>();  // sequence
    const uint32_t n_stream = s.copy<uint32_t>();
    uint32_t n_cells = 0;
    memcpy(&n_cells, s.take(sizeof(n_cells)), sizeof(n_cells));
    if (n_stream != 1 || (int32_t) n_cells != n_from) {
        fail(ERROR_BACKEND, "libllama's saved state has another layout than expected");
    }
    s.put(&n_to, sizeof(n_to));
    s.take((size_t) n_from * 3 * sizeof(int32_t)); // position, number of sequences, sequence
    for (int32_t t = 0; t < n_to; t++) {
        const int32_t cell[] = { t, 1, 0 };
        s.put(cell, sizeof(cell));
    }
    const uint32_t transposed = s.copy<uint32_t>();
    const uint32_t n_layer = s.copy<uint32_t>();
    for (uint32_t i = 0; i < n_layer * (transposed ? 1 : 2); i++) { // keys, then values where they lie in rows
        s.copy<int32_t>();                                          // type
        s.repeat(s.copy<uint64_t>(), n_from, n_to);
    }
    for (uint32_t i = 0; transposed && i < n_layer; i++) {
        s.copy<int32_t>(); // type
        const uint32_t value_bytes = s.copy<uint32_t>();
        const uint32_t n_rows = s.copy<uint32_t>();
        for (uint32_t row = 0; row < n_rows; row++) {
            s.repeat(value_bytes, n_from, n_to);
        }
    }
    llama_memory_clear(llama_get_memory(ctx.get()), true);
    if (llama_state_seq_set_data(ctx.get(), s.to.data(), s.to.size(), 0) == 0) {
        fail(ERROR_BACKEND, "libllama does not take a saved state of %d tokens", n_to);
    }
}
