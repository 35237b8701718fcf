#include "model/reference.h"

#include "assertion_guard.h"
#include "error.h"
#include "model/gguf_file.h"
#include "model/hparams.h"
#include "model/model.h"

#include <algorithm>
#include <cstring>

bool reference::is_aborted(void * self) {
    const auto * abort = ((const reference *) self)->abort;
    return abort && *abort;
}

reference::reference(const std::string & path, int32_t n_ctx, int32_t n_threads) {
    {
        const gguf_file file(path); // the same checks as for our own loader
        model_check_tensors(file, model_hparams_read(file));
    }
    if (n_ctx < 1 || n_threads < 1 || n_threads > 256) {
        fail(ERROR_BAD_ARGUMENT, "%d tokens on %d threads are not possible", n_ctx, n_threads);
    }
    static ggml_backend_dev_t no_devices[] = { nullptr }; // with a GPU plugin loaded, n_gpu_layers = 0 alone still uses it
    assertion_guard guard;
    llama_model_params mp = llama_model_default_params();
    mp.n_gpu_layers = 0;
    mp.devices      = no_devices;
    model.reset(llama_model_load_from_file(path.c_str(), mp));
    if (!model) {
        fail(ERROR_BACKEND, "libllama cannot load %s", path.c_str());
    }
    llama_context_params cp = llama_context_default_params();
    cp.n_ctx     = n_ctx;
    cp.n_batch   = 512;
    cp.n_ubatch  = 512;
    cp.n_threads = cp.n_threads_batch = n_threads;
    cp.flash_attn_type     = LLAMA_FLASH_ATTN_TYPE_ENABLED;
    cp.abort_callback      = is_aborted;
    cp.abort_callback_data = this;
    ctx.reset(llama_init_from_model(model.get(), cp));
    if (!ctx) {
        fail(ERROR_OUT_OF_MEMORY, "libllama cannot make a context of %d tokens", n_ctx);
    }
}

std::vector<float> reference::evaluate(const std::vector<int32_t> & tokens, int32_t from, const std::atomic<bool> & abort_flag) {
    const int32_t n = (int32_t) tokens.size(), n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
    if (from < 0 || from >= n) {
        fail(ERROR_BAD_ARGUMENT, "logits from position %d of %d tokens are not possible", from, n);
    }
    if (n > (int32_t) llama_n_ctx(ctx.get())) {
        fail(ERROR_CONTEXT_FULL, "%d tokens do not fit the reference's context", n);
    }
    for (const int32_t id : tokens) {
        if (id < 0 || id >= n_vocab) {
            fail(ERROR_BAD_ARGUMENT, "there is no token %d", id);
        }
    }
    abort = &abort_flag;
    llama_memory_clear(llama_get_memory(ctx.get()), true);
    std::vector<float> out((size_t) (n - from)*n_vocab);
    float * row = out.data();
    llama_batch batch = llama_batch_init(512, 0, 1);
    int32_t rc = 0;
    for (int32_t at = 0; at < n && rc == 0; at += batch.n_tokens) {
        batch.n_tokens = std::min(512, n - at);
        for (int32_t i = 0; i < batch.n_tokens; i++) {
            batch.token[i]     = tokens[at + i];
            batch.pos[i]       = at + i;
            batch.n_seq_id[i]  = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i]    = at + i >= from;
        }
        rc = llama_decode(ctx.get(), batch);
        for (int32_t i = 0; i < batch.n_tokens && rc == 0; i++) {
            if (batch.logits[i]) {
                memcpy(row, llama_get_logits_ith(ctx.get(), i), n_vocab*sizeof(float));
                row += n_vocab;
            }
        }
    }
    llama_batch_free(batch);
    abort = nullptr;
    if (rc == 2) {
        fail(ERROR_CANCELLED, "cancelled");
    }
    if (rc != 0) {
        fail(ERROR_BACKEND, "llama_decode returned %d", rc);
    }
    return out;
}
