#pragma once

// A checked GGUF: mapped bytes, metadata with type-checked getters, tensor shapes.

#include "base/mapped_file.h"

#include "ggml-cpp.h"
#include "gguf.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct gguf_file {
    std::string path;
    mapped_file map;
    ggml_context_ptr ctx; // shapes of all tensors, no data
    gguf_context_ptr gguf;

    // throws FILE_NOT_FOUND, FILE_UNREADABLE, NOT_GGUF, BAD_GGUF
    explicit gguf_file(const std::string & path);

    // ggml's getters abort the process on a wrong type: these throw BAD_GGUF and name the key
    std::optional<std::string> find_string(const std::string & key) const;
    std::optional<int64_t> find_int(const std::string & key) const;  // any integer type
    std::optional<double> find_float(const std::string & key) const; // f32 or f64
    std::optional<bool> find_bool(const std::string & key) const;
    std::optional<size_t> find_array_length(const std::string & key) const;
    // a scalar, or an array of equal values (per layer): unequal ones throw UNSUPPORTED_MODEL
    std::optional<int64_t> find_int_or_equal_array(const std::string & key) const;

    const ggml_tensor * find_tensor(const std::string & name) const;
    const char * tensor_data(const ggml_tensor * t) const;
};
