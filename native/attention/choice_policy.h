#pragma once

#include <cstdint>

// Another way to predict which tokens a query attends to: takes the place of TIP. Those there are: engine/policy.h.
struct choice_policy {
    virtual ~choice_policy() = default;

    // importance of tokens [0, n_kv) to the query heads of one KV head. Called by several threads at once.
    // q [n_group][head_size], not scaled; importance [n_kv]
    virtual void importance(int32_t il, int32_t head, const float * q, int32_t n_kv, float * importance) const = 0;
};
