#pragma once

// A loaded model: header, tokenizer and weights. Shared by all contexts over it, never changed after loading.

#include "model/backend.h"
#include "model/gguf_file.h"
#include "model/hparams.h"
#include "model/vocab.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// Weight matrices are [in, out] as ggml_mul_mat takes them; norms and biases are f32 vectors. nullptr: not in the model.
struct layer_weights {
    ggml_tensor * attn_norm;
    ggml_tensor *wq, *wk, *wv, *wo;
    ggml_tensor *bq, *bk, *bv, *bo;
    ggml_tensor *q_norm, *k_norm; // [head_size], qwen3
    ggml_tensor * ffn_norm;
    ggml_tensor *ffn_gate, *ffn_up, *ffn_down;
    ggml_tensor *ffn_gate_b, *ffn_up_b, *ffn_down_b;
};

struct model_summary {
    int64_t parameters = 0;
    std::string quantization; // type of most weights
    std::string fingerprint;  // 16 hex digits over header, sizes and samples of the weights
    std::string name;
};

model_summary model_summarize(const gguf_file & file);

struct model {
    gguf_file file;
    model_hparams hp;
    vocab words;
    model_summary summary;

    ggml_tensor * tok_embd = nullptr; // [n_embd, n_vocab]
    ggml_tensor * output_norm = nullptr;
    ggml_tensor * output = nullptr; // [n_embd, n_vocab], may share the bytes of tok_embd
    ggml_tensor * output_b = nullptr;
    ggml_tensor * rope_freqs = nullptr; // [head_size/2] factors on the frequencies, or none
    std::vector<layer_weights> layers;

    int64_t repacked_bytes = 0; // copied out of the mapping for faster kernels, in host memory
    // where matrices and vectors lie, but for the embedding, which stays mapped; nullptr: on the CPU
    ggml_backend_dev_t device = nullptr;

    // progress: share done; cancelled between two tensors once *abort is true.
    // throws FILE_*, *_GGUF, UNSUPPORTED_*, MISSING_TENSOR, WRONG_SHAPE, BAD_VOCABULARY, OUT_OF_MEMORY, CANCELLED
    static std::shared_ptr<model> load(const std::string & path, ggml_backend_dev_t device, const std::atomic<bool> & abort, const std::function<void(float)> & progress);

    // Before every graph over it. throws FILE_UNREADABLE once the file was cut short: weights are read where it is mapped
    void check_file() const;
    void check_tokens(const std::vector<int32_t> & tokens) const; // throws BAD_ARGUMENT for one that the vocabulary does not have

private:
    explicit model(const std::string & path);

    ggml_context_ptr mapped_ctx;
    ggml_backend_buffer_ptr mapped_buf;
    std::vector<ggml_context_ptr> packed_ctxs;
    std::vector<ggml_backend_buffer_ptr> packed_bufs;

    friend struct weight_loader;
};

// Which tensors a model of our architectures has, with what shapes: one list, used to check a file and to bind weights.
enum tensor_role {
    TENSOR_EMBEDDING, // read by rows
    TENSOR_MATRIX,    // multiplied: may be repacked
    TENSOR_VECTOR,    // f32
};

struct tensor_spec {
    std::string name;
    tensor_role role;
    bool required;
    int64_t ne0, ne1;
    int32_t layer;                   // -1: of the whole model
    ggml_tensor * model::* of_model; // where it is bound, one of the two
    ggml_tensor * layer_weights::* of_layer;
};

void tensor_specs_each(const model_hparams & hp, const std::function<void(const tensor_spec &)> & visit);

// Names, types and shapes of all tensors, without touching their data. throws MISSING_TENSOR, WRONG_SHAPE, UNSUPPORTED_MODEL
void model_check_tensors(const gguf_file & file, const model_hparams & hp);
