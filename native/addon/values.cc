#include "addon/values.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

Napi::Error error_to_js(Napi::Env env, const native_error & e) {
    Napi::Error error = Napi::Error::New(env, e.what());
    error.Set("code", Napi::String::New(env, error_code_name(e.code)));
    return error;
}

Napi::Value guarded(Napi::Env env, const std::function<Napi::Value()> & body) {
    try {
        return body();
    } catch (const native_error & e) {
        error_to_js(env, e).ThrowAsJavaScriptException();
    } catch (const std::bad_alloc &) {
        error_to_js(env, native_error(ERROR_OUT_OF_MEMORY, "no memory left")).ThrowAsJavaScriptException();
    } catch (const std::exception & e) {
        error_to_js(env, native_error(ERROR_INTERNAL, e.what())).ThrowAsJavaScriptException();
    }
    return env.Undefined();
}

double number_of(const Napi::Object & o, const char * key, double min, double max) {
    const Napi::Value v = o.Get(key);
    const double value = v.IsNumber() ? v.As<Napi::Number>().DoubleValue() : NAN;
    if (!(value >= min && value <= max)) {
        fail(ERROR_BAD_ARGUMENT, "%s must be a number from %g to %g", key, min, max);
    }
    return value;
}

int32_t int_of(const Napi::Object & o, const char * key, int32_t min, int32_t max) {
    const double value = number_of(o, key, min, max);
    if (value != std::floor(value)) {
        fail(ERROR_BAD_ARGUMENT, "%s must be a whole number", key);
    }
    return (int32_t) value;
}

int32_t int_of(const Napi::Object & o, const char * key, int32_t min, int32_t max, int32_t otherwise) {
    return o.Get(key).IsUndefined() ? otherwise : int_of(o, key, min, max);
}

bool bool_of(const Napi::Object & o, const char * key) {
    const Napi::Value v = o.Get(key);
    if (!v.IsBoolean()) {
        fail(ERROR_BAD_ARGUMENT, "%s must be true or false", key);
    }
    return v.As<Napi::Boolean>().Value();
}

std::string string_of(const Napi::Object & o, const char * key) {
    const Napi::Value v = o.Get(key);
    if (!v.IsString()) {
        fail(ERROR_BAD_ARGUMENT, "%s must be a string", key);
    }
    return v.As<Napi::String>().Utf8Value();
}

std::string path_of(const Napi::Value & v) {
    if (!v.IsString()) {
        fail(ERROR_BAD_ARGUMENT, "a path must be a string");
    }
    const std::string path = v.As<Napi::String>().Utf8Value();
    if (path.empty() || path.find('\0') != std::string::npos) {
        fail(ERROR_BAD_ARGUMENT, "a path must not be empty or hold a zero character");
    }
    return path;
}

Napi::Object object_at(const Napi::CallbackInfo & info, size_t i) {
    if (info.Length() <= i || !info[i].IsObject()) {
        fail(ERROR_BAD_ARGUMENT, "argument %zu must be an object", i);
    }
    return info[i].As<Napi::Object>();
}

Napi::Function function_at(const Napi::CallbackInfo & info, size_t i) {
    if (info.Length() <= i || !info[i].IsFunction()) {
        fail(ERROR_BAD_ARGUMENT, "argument %zu must be a function", i);
    }
    return info[i].As<Napi::Function>();
}

std::vector<int32_t> tokens_of(const Napi::Value & v, const char * what) {
    if (!v.IsTypedArray() || v.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
        fail(ERROR_BAD_ARGUMENT, "%s must be an Int32Array", what);
    }
    const Napi::Int32Array a = v.As<Napi::Int32Array>();
    return std::vector<int32_t>(a.Data(), a.Data() + a.ElementLength());
}

std::vector<int32_t> integers_of(const Napi::Value & v, const char * what) {
    if (!v.IsArray()) {
        fail(ERROR_BAD_ARGUMENT, "%s must be a list of numbers", what);
    }
    const Napi::Array a = v.As<Napi::Array>();
    std::vector<int32_t> out;
    for (uint32_t i = 0; i < a.Length(); i++) {
        const Napi::Value e = a.Get(i);
        const double value = e.IsNumber() ? e.As<Napi::Number>().DoubleValue() : NAN;
        if (!(std::fabs(value) <= INT32_MAX) || value != std::floor(value)) {
            fail(ERROR_BAD_ARGUMENT, "%s must be a list of whole numbers", what);
        }
        out.push_back((int32_t) value);
    }
    return out;
}

attention_params attention_of(const Napi::Object & o) {
    attention_params p;
    const std::string mode = string_of(o, "attention");
    if (mode != "dense" && mode != "fasa-c" && mode != "fasa-m" && mode != "auto") {
        fail(ERROR_BAD_ARGUMENT, "attention must be dense, fasa-c, fasa-m or auto");
    }
    p.mode = mode == "dense" ? ATTENTION_DENSE : mode == "fasa-c" || mode == "fasa-m" ? ATTENTION_FASA_C
                                                                                      : ATTENTION_AUTO;
    p.budget = int_of(o, "budget", 1, 1 << 24);
    p.fasa_from = int_of(o, "fasaFromTokens", 0, INT32_MAX);
    return p;
}

sampling_params sampling_of(const Napi::Object & o) {
    sampling_params p;
    p.temperature = (float) number_of(o, "temperature", 0.0, 100.0);
    p.top_k = int_of(o, "topK", 0, 1 << 24);
    p.top_p = (float) number_of(o, "topP", 0.0, 1.0);
    p.seed = (uint32_t) number_of(o, "seed", 0, UINT32_MAX);
    return p;
}

static uint32_t list_length(const Napi::Value & v) {
    if (!v.IsArray()) {
        fail(ERROR_BAD_CALIBRATION, "dominantFcs must be a list per layer of a list per KV head of FC indices");
    }
    return v.As<Napi::Array>().Length();
}

calibration calibration_of(const Napi::Object & o) {
    calibration c;
    const Napi::Value layers = o.Get("dominantFcs");
    const uint32_t n_layer = list_length(layers);
    for (uint32_t il = 0; il < n_layer; il++) {
        const Napi::Value heads = layers.As<Napi::Array>().Get(il);
        const uint32_t n_head = list_length(heads);
        for (uint32_t h = 0; h < n_head; h++) {
            const Napi::Value fcs = heads.As<Napi::Array>().Get(h);
            const uint32_t n = list_length(fcs);
            if (c.n_dominant == 0) {
                c.n_dominant = (int32_t) std::min<uint32_t>(n, INT32_MAX);
            }
            if (n != (uint32_t) c.n_dominant) {
                fail(ERROR_BAD_CALIBRATION, "the KV heads have different numbers of dominant FCs");
            }
            std::vector<int32_t> list;
            try {
                list = integers_of(fcs, "dominantFcs");
            } catch (const native_error & e) {
                fail(ERROR_BAD_CALIBRATION, "%s", e.what());
            }
            c.dominant.insert(c.dominant.end(), list.begin(), list.end());
        }
    }
    return c;
}

Napi::Object calibration_to_js(Napi::Env env, const calibration & c, int32_t n_layer, int32_t n_head_kv) {
    Napi::Array layers = Napi::Array::New(env, n_layer);
    for (int32_t il = 0; il < n_layer; il++) {
        Napi::Array heads = Napi::Array::New(env, n_head_kv);
        for (int32_t h = 0; h < n_head_kv; h++) {
            const auto fcs = c.dominant.begin() + ((ptrdiff_t) il * n_head_kv + h) * c.n_dominant;
            heads.Set(h, numbers_to_js(env, { fcs, fcs + c.n_dominant }));
        }
        layers.Set(il, heads);
    }
    Napi::Object o = Napi::Object::New(env);
    o.Set("dominantFcs", layers);
    return o;
}

Napi::Int32Array tokens_to_js(Napi::Env env, const std::vector<int32_t> & tokens) {
    Napi::Int32Array a = Napi::Int32Array::New(env, tokens.size());
    std::copy(tokens.begin(), tokens.end(), a.Data());
    return a;
}

Napi::Float32Array floats_to_js(Napi::Env env, const std::vector<float> & values) {
    Napi::Float32Array a = Napi::Float32Array::New(env, values.size());
    std::copy(values.begin(), values.end(), a.Data());
    return a;
}

Napi::Array numbers_to_js(Napi::Env env, const std::vector<double> & values) {
    return list_to_js(env, values, [env](double value) { return Napi::Number::New(env, value); });
}
