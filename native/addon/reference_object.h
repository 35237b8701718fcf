#pragma once

#include "addon/objects.h"
#include "model/reference.h"

struct reference_object : native_object<reference_object, reference> {
    using native_object::native_object;
    static constexpr const char * CLASS = "NativeReference";
    static constexpr const char * WHAT  = "the reference";
    static std::vector<Napi::ClassPropertyDescriptor<reference_object>> methods();
    static int64_t reported(const reference &) { return 0; }

private:
    Napi::Value evaluate(const Napi::CallbackInfo & info);
    Napi::Value time_steps(const Napi::CallbackInfo & info);
    Napi::Value time_prefill(const Napi::CallbackInfo & info);
};
