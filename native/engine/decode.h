#pragma once

// The loop of generation that both contexts have in common: sample, tell, feed, until something ends it.

#include "base/clock.h"
#include "engine/context.h"

#include <cstdint>
#include <functional>
#include <vector>

struct step_cost {
    int64_t bytes  = 0; // that attention read
    bool    sparse = false;
};

struct decoder {
    std::function<bool()>               is_full; // no token can be fed any more
    std::function<step_cost(int32_t)>   feed;    // one token; leaves its logits
    const std::vector<float> &          logits;  // [n_vocab] of the token that was fed last
};

// From the logits of the last prompt token on. Fills tokens, reason, steps and their figures. throws CANCELLED, and what feed throws
void decode(const decoder & d, const generate_params & p, const task_flags & flags, const generate_events & events,
    steady::time_point begin, generate_result & r);
