#pragma once

// Ways to predict which tokens a query attends to, other than FASA's importance keys: baselines that evaluation compares
// it with. All share the rest of the choice (anchor, window, the best by the group's sum of softmax) and focused attention.

#include "attention/attention.h"
#include "kernels/kernels.h"
#include "kv/cache.h"

#include <cstdint>
#include <memory>
#include <vector>

enum fasa_policy {
    POLICY_FASA,      // importance keys
    POLICY_FASA_F16,  // the same dominant FCs, read exactly: what quantization costs
    POLICY_ORACLE,    // exact logits: what any prediction by the group's sum can reach
    POLICY_PAPER,     // arXiv 2602.03152: a quarter of the FCs of each query head, by contextual agreement, f16
    POLICY_PAPER_KV,  // the same chosen for each KV head
    POLICY_QUEST,     // arXiv 2406.10774: bounds of pages of 16 tokens from their smallest and largest keys
    POLICY_STREAMING, // arXiv 2309.17453: anchor and recent tokens alone
};

constexpr int32_t QUEST_PAGE_TOKENS = 16;

// Chosen FCs of each query head: [n_layer][n_head][n_fc], ascending.
struct query_head_fcs {
    int32_t n_fc = 0;
    std::vector<int32_t> fcs;
};

// fcs: of the paper's policies, and kept by reference. nullptr for POLICY_FASA.
std::unique_ptr<choice_policy> choice_policy_new(fasa_policy kind, const model_hparams & hp, const kv_cache & kv, const fasa_kernels * kernels, const query_head_fcs * fcs);

// Contextual agreement: how many of a query's k highest tokens are also the k highest by one FC alone, counted over
// queries; a query head takes the FCs with the most.
struct agreement_counter {
    agreement_counter(const model_hparams & hp, const kv_cache & kv, const fasa_kernels * kernels, int32_t k);

    // q [n_head][head_size]: the rotated queries of a token that sees n_past cached ones
    void observe(int32_t il, const float * q, int32_t n_past);
    // per_kv_head: one choice for all query heads of a KV head
    query_head_fcs choose(bool per_kv_head) const;

private:
    const model_hparams & hp;
    const kv_cache & kv;
    const fasa_kernels * kernels;
    int32_t k;
    std::vector<int64_t> hits; // [n_layer][n_head][head_size/2]
    std::vector<float> scores;
    std::vector<char> scratch;
    std::vector<int32_t> best;
    std::vector<uint8_t> is_best;
};
