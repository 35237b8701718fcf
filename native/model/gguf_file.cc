#include "model/gguf_file.h"

#include "base/error.h"
#include "model/gguf_check.h"

gguf_file::gguf_file(const std::string & path) : path(path), map(path) {
    gguf_check_header(map.data, map.size);
    ggml_context * shapes = nullptr;
    gguf.reset(gguf_init_from_buffer(map.data, map.size, { /*.no_alloc =*/true, /*.ctx =*/&shapes }));
    ctx.reset(shapes);
    if (!gguf || !ctx) {
        fail(ERROR_BAD_GGUF, "ggml cannot read the header of %s", path.c_str());
    }
}

static int64_t scalar_int(const gguf_context * gguf, int64_t id, const std::string & key) {
    switch (gguf_get_kv_type(gguf, id)) {
        case GGUF_TYPE_UINT8: return gguf_get_val_u8(gguf, id);
        case GGUF_TYPE_INT8: return gguf_get_val_i8(gguf, id);
        case GGUF_TYPE_UINT16: return gguf_get_val_u16(gguf, id);
        case GGUF_TYPE_INT16: return gguf_get_val_i16(gguf, id);
        case GGUF_TYPE_UINT32: return gguf_get_val_u32(gguf, id);
        case GGUF_TYPE_INT32: return gguf_get_val_i32(gguf, id);
        case GGUF_TYPE_INT64: return gguf_get_val_i64(gguf, id);
        case GGUF_TYPE_UINT64: {
            const uint64_t value = gguf_get_val_u64(gguf, id);
            if (value <= INT64_MAX) {
                return (int64_t) value;
            }
            break;
        }
        default: break;
    }
    fail(ERROR_BAD_GGUF, "the key %s is not an integer", key.c_str());
}

std::optional<std::string> gguf_file::find_string(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0) {
        return {};
    }
    if (gguf_get_kv_type(gguf.get(), id) != GGUF_TYPE_STRING) {
        fail(ERROR_BAD_GGUF, "the key %s is not a text", key.c_str());
    }
    return gguf_get_val_str(gguf.get(), id);
}

std::optional<int64_t> gguf_file::find_int(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0) {
        return {};
    }
    return scalar_int(gguf.get(), id, key);
}

std::optional<double> gguf_file::find_float(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0) {
        return {};
    }
    switch (gguf_get_kv_type(gguf.get(), id)) {
        case GGUF_TYPE_FLOAT32: return gguf_get_val_f32(gguf.get(), id);
        case GGUF_TYPE_FLOAT64: return gguf_get_val_f64(gguf.get(), id);
        default: fail(ERROR_BAD_GGUF, "the key %s is not a number", key.c_str());
    }
}

std::optional<bool> gguf_file::find_bool(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0) {
        return {};
    }
    if (gguf_get_kv_type(gguf.get(), id) != GGUF_TYPE_BOOL) {
        fail(ERROR_BAD_GGUF, "the key %s is not true or false", key.c_str());
    }
    return gguf_get_val_bool(gguf.get(), id);
}

std::optional<size_t> gguf_file::find_array_length(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0) {
        return {};
    }
    if (gguf_get_kv_type(gguf.get(), id) != GGUF_TYPE_ARRAY) {
        fail(ERROR_BAD_GGUF, "the key %s is not a list", key.c_str());
    }
    return gguf_get_arr_n(gguf.get(), id);
}

std::optional<int64_t> gguf_file::find_int_or_equal_array(const std::string & key) const {
    const int64_t id = gguf_find_key(gguf.get(), key.c_str());
    if (id < 0) {
        return {};
    }
    if (gguf_get_kv_type(gguf.get(), id) != GGUF_TYPE_ARRAY) {
        return scalar_int(gguf.get(), id, key);
    }
    const gguf_type type = gguf_get_arr_type(gguf.get(), id);
    const size_t n = gguf_get_arr_n(gguf.get(), id);
    if ((type != GGUF_TYPE_UINT32 && type != GGUF_TYPE_INT32) || n == 0) {
        fail(ERROR_BAD_GGUF, "the key %s is not a list of 32-bit integers", key.c_str());
    }
    const int32_t * values = (const int32_t *) gguf_get_arr_data(gguf.get(), id);
    for (size_t i = 1; i < n; i++) {
        if (values[i] != values[0]) {
            fail(ERROR_UNSUPPORTED_MODEL, "the layers differ in %s, which is not supported", key.c_str());
        }
    }
    return values[0];
}

const ggml_tensor * gguf_file::find_tensor(const std::string & name) const {
    return ggml_get_tensor(ctx.get(), name.c_str());
}

const char * gguf_file::tensor_data(const ggml_tensor * t) const {
    const int64_t id = gguf_find_tensor(gguf.get(), t->name);
    return map.data + gguf_get_data_offset(gguf.get()) + gguf_get_tensor_offset(gguf.get(), id);
}
