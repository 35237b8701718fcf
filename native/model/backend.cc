#include "model/backend.h"

#include "base/error.h"

#include "llama.h"

#include <algorithm>
#include <cctype>
#include <mutex>

static void log_nothing(ggml_log_level, const char *, void *) {} // stdout and stderr belong to the protocol

void backend_load(const std::string & folder) {
    static std::once_flag once;
    std::call_once(once, [&folder] {
        llama_log_set(log_nothing, nullptr); // ggml's log, too
        if (!backend_cpu_device()) {         // else another addon of this process has loaded them
            ggml_backend_load_all_from_path(folder.c_str());
        }
        llama_backend_init();
    });
    if (!backend_cpu_device()) {
        fail(ERROR_BACKEND, "no ggml CPU library that runs on this machine was found in %s", folder.c_str());
    }
}

ggml_backend_dev_t backend_cpu_device() {
    return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
}

// nothing in a plugin can be linked: its functions are looked up by name
template <typename F> static F cpu_function(const char * name) {
    const ggml_backend_dev_t dev = backend_cpu_device();
    if (!dev) {
        fail(ERROR_BACKEND, "no backend was loaded");
    }
    return (F) ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(dev), name);
}

std::vector<std::string> backend_cpu_features() {
    std::vector<std::string> names;
    const auto get_features = cpu_function<ggml_backend_get_features_t>("ggml_backend_get_features");
    if (!get_features) {
        return names;
    }
    const auto * f = get_features(ggml_backend_dev_backend_reg(backend_cpu_device()));
    for (; f && f->name; f++) {
        if (std::string(f->value) == "1") {
            names.push_back(f->name);
        }
    }
    return names;
}

ggml_backend_buffer_type_t * backend_cpu_extra_bufts() {
    static ggml_backend_buffer_type_t none[] = { nullptr };
    const auto get_extra = cpu_function<ggml_backend_dev_get_extra_bufts_t>("ggml_backend_dev_get_extra_bufts");
    ggml_backend_buffer_type_t * extra = get_extra ? get_extra(backend_cpu_device()) : nullptr;
    return extra ? extra : none;
}

const char * device_kind(ggml_backend_dev_t device) {
    switch (ggml_backend_dev_type(device)) {
        case GGML_BACKEND_DEVICE_TYPE_CPU: return "cpu";
        case GGML_BACKEND_DEVICE_TYPE_GPU:
        case GGML_BACKEND_DEVICE_TYPE_IGPU: return "gpu";
        default: return "accelerator"; // as BLAS: it has no memory of its own
    }
}

bool device_is_software(ggml_backend_dev_t device) {
    std::string text = ggml_backend_dev_description(device);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return (char) tolower(c); });
    for (const char * name : { "llvmpipe", "lavapipe", "softpipe", "swiftshader", "software" }) {
        if (text.find(name) != std::string::npos) {
            return true;
        }
    }
    return false;
}

ggml_backend_dev_t device_find(const std::string & name) {
    std::string known;
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        if (device_kind(device)[0] == 'a') {
            continue;
        }
        if (name == ggml_backend_dev_name(device)) {
            return device;
        }
        known += std::string(known.empty() ? "" : ", ") + ggml_backend_dev_name(device);
    }
    fail(ERROR_BAD_ARGUMENT, "there is no device %s; there is %s", name.c_str(), known.c_str());
}

void device_require(ggml_backend_dev_t device, int64_t bytes, const char * what) {
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    if (total > 0 && bytes > (int64_t) free) {
        fail(ERROR_OUT_OF_MEMORY, "%s needs %.1f GiB of memory on %s, %.1f GiB are free", what, bytes / 1073741824.0,
            ggml_backend_dev_name(device), free / 1073741824.0);
    }
}

static bool is_aborted(void * data) {
    const std::atomic<bool> * abort = *(const std::atomic<bool> * const *) data;
    return abort && abort->load(std::memory_order_relaxed);
}

cpu_backend::cpu_backend(int32_t n_threads, const std::atomic<bool> * const * abort) {
    backend.reset(ggml_backend_dev_init(backend_cpu_device(), nullptr));
    const auto set_n_threads = cpu_function<ggml_backend_set_n_threads_t>("ggml_backend_set_n_threads");
    const auto set_abort = cpu_function<ggml_backend_set_abort_callback_t>("ggml_backend_set_abort_callback");
    const auto pool_new = cpu_function<decltype(&ggml_threadpool_new)>("ggml_threadpool_new");
    const auto set_pool = cpu_function<decltype(&ggml_backend_cpu_set_threadpool)>("ggml_backend_cpu_set_threadpool");
    if (!backend || !set_n_threads || !set_abort || !pool_new || !set_pool) {
        fail(ERROR_BACKEND, "the CPU library lacks a function that is needed");
    }
    set_n_threads(backend.get(), n_threads);
    set_abort(backend.get(), is_aborted, (void *) abort);
    // No polling: on a machine that other programs use, a thread that spins between two graphs costs scheduler slices.
    ggml_threadpool_params params = ggml_threadpool_params_default(n_threads);
    params.poll = 0;
    pool = pool_new(&params);
    if (!pool) {
        fail(ERROR_BACKEND, "cannot start %d threads", n_threads);
    }
    set_pool(backend.get(), pool);
}

cpu_backend::~cpu_backend() {
    backend.reset();
    if (pool) {
        const auto pool_free = cpu_function<decltype(&ggml_threadpool_free)>("ggml_threadpool_free");
        pool_free(pool);
    }
}

void cpu_backend::run(ggml_cgraph * graph) {
    switch (ggml_backend_graph_compute(backend.get(), graph)) {
        case GGML_STATUS_SUCCESS: return;
        case GGML_STATUS_ABORTED: fail(ERROR_CANCELLED, "cancelled");
        case GGML_STATUS_ALLOC_FAILED: fail(ERROR_OUT_OF_MEMORY, "no memory left for a computation");
        default: fail(ERROR_BACKEND, "the CPU backend failed in a computation");
    }
}
