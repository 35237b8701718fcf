#pragma once

// Between JavaScript values and native ones. Whatever is wrong with an argument throws BAD_ARGUMENT and names it.

#include "base/error.h"
#include "engine/sequence.h"

#include <napi.h>

#include <functional>
#include <string>
#include <vector>

Napi::Error error_to_js(Napi::Env env, const native_error & e);

// Runs a synchronous function of the surface: a native error becomes a JavaScript one.
Napi::Value guarded(Napi::Env env, const std::function<Napi::Value()> & body);

double number_of(const Napi::Object & o, const char * key, double min, double max);
int32_t int_of(const Napi::Object & o, const char * key, int32_t min, int32_t max);
int32_t int_of(const Napi::Object & o, const char * key, int32_t min, int32_t max, int32_t otherwise);
bool bool_of(const Napi::Object & o, const char * key);
std::string string_of(const Napi::Object & o, const char * key);
std::string path_of(const Napi::Value & v);
Napi::Object object_at(const Napi::CallbackInfo & info, size_t i);
Napi::Function function_at(const Napi::CallbackInfo & info, size_t i);

std::vector<int32_t> tokens_of(const Napi::Value & v, const char * what);   // Int32Array
std::vector<int32_t> integers_of(const Napi::Value & v, const char * what); // array of numbers
attention_params attention_of(const Napi::Object & o);
sampling_params sampling_of(const Napi::Object & o);
calibration calibration_of(const Napi::Object & o); // throws BAD_CALIBRATION
Napi::Object calibration_to_js(Napi::Env env, const calibration & c, int32_t n_layer, int32_t n_head_kv);

// An array of to_js(value) for each value.
template <typename Values, typename ToJs> Napi::Array list_to_js(Napi::Env env, const Values & values, ToJs && to_js) {
    Napi::Array list = Napi::Array::New(env, values.size());
    uint32_t i = 0;
    for (const auto & value : values) {
        list.Set(i++, to_js(value));
    }
    return list;
}

Napi::Int32Array tokens_to_js(Napi::Env env, const std::vector<int32_t> & tokens);
Napi::Array numbers_to_js(Napi::Env env, const std::vector<double> & values);
Napi::Float32Array floats_to_js(Napi::Env env, const std::vector<float> & values);
