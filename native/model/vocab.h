#pragma once

// The tokenizer: libllama's vocabulary over the same GGUF, and the special tokens of its metadata.

#include "model/gguf_file.h"

#include "llama-cpp.h"

#include <cstdint>
#include <string>
#include <vector>

constexpr size_t VOCAB_MAX_TEXT = 4 << 20; // bytes of one tokenize call

struct vocab {
    // throws BAD_VOCABULARY
    vocab(const gguf_file & file, int32_t n_vocab);

    int32_t n_tokens() const;
    // Adds no BOS. parse_special: templates only, never text of files or users. throws TEXT_TOO_LONG, BAD_VOCABULARY
    std::vector<int32_t> tokenize(const std::string & text, bool parse_special) const;
    // special tokens give their text; throws BAD_ARGUMENT
    std::string token_bytes(int32_t token) const;

    // LLAMA_TOKEN_NULL (-1) where the vocabulary has none
    int32_t bos() const;
    int32_t eos() const;
    int32_t fim_prefix() const;
    int32_t fim_suffix() const;
    int32_t fim_middle() const;
    int32_t fim_repository() const;
    int32_t fim_separator() const;
    bool add_bos() const;
    std::vector<int32_t> end_of_generation() const;
    // tokens that are markup of prompts and never text
    std::vector<int32_t> control() const;

private:
    llama_model_ptr model;
    const llama_vocab * v = nullptr;
};
