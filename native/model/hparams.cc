#include "model/hparams.h"

#include "base/error.h"

#include "ggml.h"

#include <algorithm>
#include <cmath>

static int32_t require_int(const gguf_file & file, const std::string & key, int64_t min, int64_t max) {
    const auto value = file.find_int_or_equal_array(key);
    if (!value) {
        fail(ERROR_BAD_GGUF, "the key %s is missing", key.c_str());
    }
    if (*value < min || *value > max) {
        fail(ERROR_BAD_GGUF, "the key %s is %lld, expected %lld to %lld", key.c_str(), (long long) *value, (long long) min, (long long) max);
    }
    return (int32_t) *value;
}

static float finite(double value, const std::string & key, double min, double max) {
    if (!(value >= min && value <= max)) {
        fail(ERROR_BAD_GGUF, "the key %s is %g, expected %g to %g", key.c_str(), value, min, max);
    }
    return (float) value;
}

// As libllama derives the arguments of ggml_rope_ext from the metadata (llama-model.cpp and llama-context.cpp, v0.4.0).
static void read_rope(const gguf_file & file, model_hparams & hp) {
    const std::string rope = hp.arch + ".rope.";
    hp.rope_type = hp.arch == "llama" ? GGML_ROPE_TYPE_NORMAL : GGML_ROPE_TYPE_NEOX;
    if (const auto base = file.find_float(rope + "freq_base")) {
        hp.rope_freq_base = finite(*base, rope + "freq_base", 1.0, 1e12);
    }
    const int64_t n_rot = file.find_int(rope + "dimension_count").value_or(hp.head_size);
    if (n_rot != hp.head_size) {
        fail(ERROR_UNSUPPORTED_MODEL, "only %lld of %d dimensions of a head are rotated, which is not supported", (long long) n_rot, hp.head_size);
    }

    const std::string type = file.find_string(rope + "scaling.type").value_or("linear");
    if (type != "none" && type != "linear" && type != "yarn") {
        fail(ERROR_UNSUPPORTED_MODEL, "RoPE scaling '%.32s' is not supported (none, linear and yarn are)", type.c_str());
    }
    double factor = file.find_float(rope + "scaling.factor").value_or(0.0);
    if (factor == 0.0) {
        factor = file.find_float(rope + "scale_linear").value_or(0.0); // the key's older name
    }
    factor = factor == 0.0 || type == "none" ? 1.0 : finite(factor, rope + "scaling.factor", 1e-3, 1e4);
    hp.rope_freq_scale = 1.0f / (float) factor;
    hp.rope_n_ctx_orig = (int32_t) std::clamp<int64_t>(
        file.find_int(rope + "scaling.original_context_length").value_or(hp.n_ctx_train), 1, INT32_MAX);

    if (type == "yarn") {
        // ggml multiplies by 1 + 0.1 ln(factor) whenever ext_factor is set; libllama divides its own mscale by it.
        hp.rope_ext_factor = 1.0f;
        const float mscale = factor <= 1.0 ? 1.0f : 0.1f * logf(1.0f / hp.rope_freq_scale) + 1.0f;
        hp.rope_attn_factor = mscale / (1.0f + 0.1f * logf(1.0f / hp.rope_freq_scale));
    }
    if (const auto attn = file.find_float(rope + "scaling.attn_factor")) {
        hp.rope_attn_factor *= finite(*attn, rope + "scaling.attn_factor", 1e-3, 1e3);
    }
}

model_hparams model_hparams_read(const gguf_file & file) {
    model_hparams hp;
    // before all else: the later parts of a split model hold tensors and nothing that says what they are
    const int64_t split_count = file.find_int("split.count").value_or(0);
    if (split_count > 1) {
        fail(ERROR_UNSUPPORTED_MODEL, "the file is part %lld of %lld of a split model, which has to be joined before it is loaded",
            (long long) file.find_int("split.no").value_or(0) + 1, (long long) split_count);
    }
    const auto arch = file.find_string("general.architecture");
    if (!arch) {
        fail(ERROR_BAD_GGUF, "the key general.architecture is missing");
    }
    if (*arch != "llama" && *arch != "qwen2" && *arch != "qwen3") {
        fail(ERROR_UNSUPPORTED_ARCHITECTURE, "the architecture '%.48s' is not supported (llama, qwen2 and qwen3 are)", arch->c_str());
    }
    hp.arch = *arch;
    const std::string pre = hp.arch + ".";
    // read later, but a wrong type is found here, before anything is loaded
    file.find_string("general.name");
    file.find_string("tokenizer.chat_template");

    if (file.find_int(pre + "expert_count").value_or(0) > 0) {
        fail(ERROR_UNSUPPORTED_MODEL, "mixture-of-experts models are not supported");
    }
    if (!file.find_bool(pre + "attention.causal").value_or(true)) {
        fail(ERROR_UNSUPPORTED_MODEL, "the model's attention is not causal: it cannot generate text");
    }

    hp.n_layer = require_int(file, pre + "block_count", 1, 512);
    hp.n_embd = require_int(file, pre + "embedding_length", 1, 1 << 17);
    hp.n_ff = require_int(file, pre + "feed_forward_length", 1, 1 << 20);
    hp.n_head = require_int(file, pre + "attention.head_count", 1, 1024);
    hp.n_ctx_train = require_int(file, pre + "context_length", 1, 1 << 27);
    const std::string kv_key = pre + "attention.head_count_kv";
    hp.n_head_kv = file.find_int_or_equal_array(kv_key) ? require_int(file, kv_key, 1, 1024) : hp.n_head;
    if (hp.n_head % hp.n_head_kv != 0) {
        fail(ERROR_BAD_GGUF, "%d query heads cannot share %d KV heads", hp.n_head, hp.n_head_kv);
    }

    const std::string key_length = pre + "attention.key_length";
    if (file.find_int(key_length)) {
        hp.head_size = require_int(file, key_length, 2, 1024);
    } else {
        if (hp.n_embd % hp.n_head != 0) {
            fail(ERROR_BAD_GGUF, "%d embedding dimensions cannot be split over %d heads", hp.n_embd, hp.n_head);
        }
        hp.head_size = hp.n_embd / hp.n_head;
    }
    if (file.find_int(pre + "attention.value_length").value_or(hp.head_size) != hp.head_size) {
        fail(ERROR_UNSUPPORTED_MODEL, "keys and values of different sizes are not supported");
    }
    if (hp.head_size % 8 != 0 || hp.head_size > 256) {
        fail(ERROR_UNSUPPORTED_MODEL, "heads of %d dimensions are not supported (multiples of 8 up to 256 are)", hp.head_size);
    }

    const std::string eps_key = pre + "attention.layer_norm_rms_epsilon";
    const auto eps = file.find_float(eps_key);
    if (!eps) {
        fail(ERROR_BAD_GGUF, "the key %s is missing", eps_key.c_str());
    }
    hp.rms_eps = finite(*eps, eps_key, 0.0, 1.0);
    read_rope(file, hp);

    const ggml_tensor * embd = file.find_tensor("token_embd.weight");
    if (!embd) {
        fail(ERROR_MISSING_TENSOR, "the tensor token_embd.weight is missing");
    }
    if (embd->ne[1] > 1 << 22) {
        fail(ERROR_WRONG_SHAPE, "token_embd.weight has %lld rows: no vocabulary is that large", (long long) embd->ne[1]);
    }
    hp.n_vocab = (int32_t) embd->ne[1];
    return hp;
}
