#pragma once

// The attention of decoded tokens, added up over heads and layers: what citations are ranked by.

#include <cstdint>
#include <vector>

constexpr int32_t ATTENTION_BLOCK_TOKENS = 16; // tokens of a chunk or of the sequence that are counted together

// Shares of the attention on all chosen tokens but the sequence's anchor and window, one for each ATTENTION_BLOCK_TOKENS tokens.
// Together they are 1, or 0 where no other token was chosen.
struct attention_mass {
    std::vector<std::vector<float>> chunks; // one list a chunk
    std::vector<float> own;                 // of the sequence, from its first token on
};

// Sums by flat index: chunks first, each from a whole page on, then the sequence (attention.h).
struct attention_counter {
    struct own_range {
        int32_t begin, anchor_end, window_begin;
    }; // flat indices of the sequence's tokens

    void start(int32_t n_head, int32_t n_flat);
    // Weights of one query head on the tokens of a choice. Heads may be counted by several threads at once, each by one.
    void add(int32_t head, const std::vector<int32_t> & flat, const float * weights, own_range own);
    std::vector<float> shares(int32_t flat, int32_t n_tokens) const; // of the tokens from this index on

private:
    std::vector<std::vector<double>> sums; // [n_head][blocks]
    std::vector<double> totals;            // [n_head]
};
