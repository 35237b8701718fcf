#pragma once

// Devices beside the CPU that ggml's plugins bring: a model's weights and caches may lie on one.

#include "ggml-backend.h"

#include <string>

// The device of this name: a GPU, or the CPU (whose own path is faster: to check the GPU's graph without one).
// throws BAD_ARGUMENT and names those that are there
ggml_backend_dev_t device_find(const std::string & name);

// "cpu", "gpu", "accelerator"
const char * device_kind(ggml_backend_dev_t device);

// Drivers that compute on the CPU: slower than ours, there for checks alone.
bool device_is_software(ggml_backend_dev_t device);

// throws OUT_OF_MEMORY and names what needs how much; a device that does not say how much it has is not asked
void device_require(ggml_backend_dev_t device, int64_t bytes, const char * what);
