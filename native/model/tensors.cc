#include "model/model.h"

// Names: gguf-py/gguf/constants.py of llama.cpp; which architecture has which: its src/models/*.cpp (v0.4.0).
void tensor_specs_each(const model_hparams & hp, const std::function<void(const tensor_spec &)> & visit) {
    const int64_t n_embd = hp.n_embd, n_q = (int64_t) hp.n_head * hp.head_size, n_kv = (int64_t) hp.n_head_kv * hp.head_size;
    const bool llama = hp.arch == "llama", qwen3 = hp.arch == "qwen3";

    visit({ "token_embd.weight", TENSOR_EMBEDDING, true, n_embd, hp.n_vocab, -1, &model::tok_embd, nullptr });
    visit({ "output_norm.weight", TENSOR_VECTOR, true, n_embd, 1, -1, &model::output_norm, nullptr });
    visit({ "output.weight", TENSOR_MATRIX, false, n_embd, hp.n_vocab, -1, &model::output, nullptr }); // absent: tied to token_embd
    if (hp.arch == "qwen2") {
        visit({ "output.bias", TENSOR_VECTOR, false, hp.n_vocab, 1, -1, &model::output_b, nullptr });
    }
    if (llama) {
        visit({ "rope_freqs.weight", TENSOR_VECTOR, false, hp.head_size / 2, 1, -1, &model::rope_freqs, nullptr });
    }
    for (int32_t il = 0; il < hp.n_layer; il++) {
        const std::string blk = "blk." + std::to_string(il) + ".";
        visit({ blk + "attn_norm.weight", TENSOR_VECTOR, true, n_embd, 1, il, nullptr, &layer_weights::attn_norm });
        visit({ blk + "attn_q.weight", TENSOR_MATRIX, true, n_embd, n_q, il, nullptr, &layer_weights::wq });
        visit({ blk + "attn_k.weight", TENSOR_MATRIX, true, n_embd, n_kv, il, nullptr, &layer_weights::wk });
        visit({ blk + "attn_v.weight", TENSOR_MATRIX, true, n_embd, n_kv, il, nullptr, &layer_weights::wv });
        visit({ blk + "attn_output.weight", TENSOR_MATRIX, true, n_q, n_embd, il, nullptr, &layer_weights::wo });
        visit({ blk + "attn_q.bias", TENSOR_VECTOR, false, n_q, 1, il, nullptr, &layer_weights::bq });
        visit({ blk + "attn_k.bias", TENSOR_VECTOR, false, n_kv, 1, il, nullptr, &layer_weights::bk });
        visit({ blk + "attn_v.bias", TENSOR_VECTOR, false, n_kv, 1, il, nullptr, &layer_weights::bv });
        if (llama) {
            visit({ blk + "attn_output.bias", TENSOR_VECTOR, false, n_embd, 1, il, nullptr, &layer_weights::bo });
        }
        if (qwen3) {
            visit({ blk + "attn_q_norm.weight", TENSOR_VECTOR, true, hp.head_size, 1, il, nullptr, &layer_weights::q_norm });
            visit({ blk + "attn_k_norm.weight", TENSOR_VECTOR, true, hp.head_size, 1, il, nullptr, &layer_weights::k_norm });
        }
        visit({ blk + "ffn_norm.weight", TENSOR_VECTOR, true, n_embd, 1, il, nullptr, &layer_weights::ffn_norm });
        visit({ blk + "ffn_gate.weight", TENSOR_MATRIX, true, n_embd, hp.n_ff, il, nullptr, &layer_weights::ffn_gate });
        visit({ blk + "ffn_up.weight", TENSOR_MATRIX, true, n_embd, hp.n_ff, il, nullptr, &layer_weights::ffn_up });
        visit({ blk + "ffn_down.weight", TENSOR_MATRIX, true, hp.n_ff, n_embd, il, nullptr, &layer_weights::ffn_down });
        if (llama) {
            visit({ blk + "ffn_gate.bias", TENSOR_VECTOR, false, hp.n_ff, 1, il, nullptr, &layer_weights::ffn_gate_b });
            visit({ blk + "ffn_up.bias", TENSOR_VECTOR, false, hp.n_ff, 1, il, nullptr, &layer_weights::ffn_up_b });
            visit({ blk + "ffn_down.bias", TENSOR_VECTOR, false, n_embd, 1, il, nullptr, &layer_weights::ffn_down_b });
        }
    }
}
