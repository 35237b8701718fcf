#pragma once

// Choosing a model's dominant FCs from documents: a forward pass over each, queries and keys to the calibrator.

#include "engine/sequence.h"

struct calibrate_params {
    std::vector<std::vector<int32_t>> documents;
    int32_t n_dominant = 16;
    int32_t n_threads = 1;
    // in: the sums of documents observed before, or none of them; out: with those of these documents
    std::shared_ptr<std::vector<double>> sums;
};

// progress: share done, 0 to 1. throws BAD_ARGUMENT, CANCELLED, OUT_OF_MEMORY, ...
calibration calibrate_model(const std::shared_ptr<model> & m, const calibrate_params & params, const task_flags & flags, const std::function<void(double)> & progress);
