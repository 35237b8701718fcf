#pragma once

#include <vector>

// KL(softmax(p) || softmax(q)) in nats of two lists of logits, at least 0; agree: whether the same token is the most likely.
double logits_divergence(const std::vector<float> & p, const std::vector<float> & q, bool & agree);
