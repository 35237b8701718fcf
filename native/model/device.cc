#include "model/device.h"

#include "base/error.h"

#include <algorithm>
#include <cctype>

const char * device_kind(ggml_backend_dev_t device) {
    switch (ggml_backend_dev_type(device)) {
        case GGML_BACKEND_DEVICE_TYPE_CPU:  return "cpu";
        case GGML_BACKEND_DEVICE_TYPE_GPU:
        case GGML_BACKEND_DEVICE_TYPE_IGPU: return "gpu";
        default:                            return "accelerator"; // as BLAS: it has no memory of its own
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
        fail(ERROR_OUT_OF_MEMORY, "%s needs %.1f GiB of memory on %s, %.1f GiB are free", what, bytes/1073741824.0,
            ggml_backend_dev_name(device), free/1073741824.0);
    }
}
