#pragma once

// The ggml backends of this process: CPU variants are plugins, chosen at run time for the machine's instruction sets.

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml-cpp.h"

#include <atomic>
#include <string>
#include <vector>

// Loads the plugins of a folder; throws BACKEND when none of them is a CPU. Once per process, later calls do nothing.
void backend_load(const std::string & folder);

ggml_backend_dev_t backend_cpu_device();

// features of the CPU plugin that runs, as "AVX2", "AVX512_VNNI"
std::vector<std::string> backend_cpu_features();

// buffer types of the CPU that repack weights, best first; NULL-terminated, may be empty
ggml_backend_buffer_type_t * backend_cpu_extra_bufts();

// Devices that ggml's plugins bring besides the CPU: a model's weights and caches may lie on one.

// The device of this name: a GPU, or the CPU (whose own path is faster: to check the GPU's graph without one).
// throws BAD_ARGUMENT and names those that are there
ggml_backend_dev_t device_find(const std::string & name);

// "cpu", "gpu", "accelerator"
const char * device_kind(ggml_backend_dev_t device);

// Drivers that compute on the CPU: slower than ours, there for checks alone.
bool device_is_software(ggml_backend_dev_t device);

// throws OUT_OF_MEMORY and names what needs how much; a device that does not say how much it has is not asked
void device_require(ggml_backend_dev_t device, int64_t bytes, const char * what);

// A CPU backend with its own thread pool. Compute stops between two graph nodes once *abort is true.
struct cpu_backend {
    cpu_backend(int32_t n_threads, const std::atomic<bool> * const * abort);
    ~cpu_backend();
    cpu_backend(const cpu_backend &) = delete;
    cpu_backend & operator=(const cpu_backend &) = delete;

    ggml_backend_t get() const { return backend.get(); }
    // throws CANCELLED, BACKEND
    void run(ggml_cgraph * graph);

private:
    ggml_backend_ptr backend;
    ggml_threadpool_t pool = nullptr;
};
