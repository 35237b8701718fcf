#include "addon/objects.h"
#include "addon/values.h"

#include <cmath>

std::vector<Napi::ClassPropertyDescriptor<encoder_object>> encoder_object::methods() {
    return { InstanceMethod<&encoder_object::encode>("encode"), InstanceMethod<&encoder_object::open>("open") };
}

static std::string address_of(const Napi::Value & v) {
    const std::string address = v.IsString() ? v.As<Napi::String>().Utf8Value() : "";
    if (address.size() < 16 || address.size() > 64 || address.find('\0') != std::string::npos) {
        fail(ERROR_BAD_ARGUMENT, "an address must be a string of 16 to 64 bytes");
    }
    return address;
}

Napi::Value encoder_object::encode(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        if (info.Length() < 3 || !info[0].IsArray()) {
            fail(ERROR_BAD_ARGUMENT, "encode takes a list of chunks, options, and a function for progress");
        }
        const Napi::Array list = info[0].As<Napi::Array>();
        std::vector<chunk_source> sources;
        for (uint32_t i = 0; i < list.Length(); i++) {
            const Napi::Value one = list.Get(i);
            if (!one.IsObject()) {
                fail(ERROR_BAD_ARGUMENT, "a chunk must be an object");
            }
            const Napi::Object o = one.As<Napi::Object>();
            const Napi::Value file = o.Get("file");
            sources.push_back({ tokens_of(o.Get("tokens"), "tokens"), address_of(o.Get("address")), file.IsUndefined() ? "" : path_of(file) });
        }
        const Napi::Object options = object_at(info, 1);
        const std::shared_ptr<chunk_encoder> held = alive();
        return js_task::start(info.Env(), held.get(), int_of(options, "priority", -1000, 1000), { function_at(info, 2) },
            [held, sources = std::move(sources)](worker_task & w, js_task & t) -> js_task::make_result {
                auto chunks = held->encode(sources, w.flags, [&t](int32_t n) { t.call(0, { (double) n }); });
                return [chunks = std::move(chunks)](Napi::Env env) {
                    return list_to_js(env, chunks, [env](const auto & chunk) { return chunk_object::with_properties(env, chunk); });
                };
            });
    });
}

Napi::Value encoder_object::open(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const std::string file = path_of(info.Length() > 0 ? info[0] : info.Env().Undefined());
        const std::string address = address_of(info.Length() > 1 ? info[1] : info.Env().Undefined());
        const std::shared_ptr<chunk_encoder> held = alive();
        return js_task::start(info.Env(), held.get(), int_of(object_at(info, 2), "priority", -1000, 1000), {},
            [held, file, address](worker_task &, js_task &) -> js_task::make_result {
                auto chunk = held->open(file, address);
                return [chunk](Napi::Env env) { return chunk_object::with_properties(env, chunk); };
            });
    });
}

std::vector<Napi::ClassPropertyDescriptor<chunk_object>> chunk_object::methods() {
    return { InstanceMethod<&chunk_object::is_intact>("isIntact") };
}

Napi::Object chunk_object::with_properties(Napi::Env env, const std::shared_ptr<kv_chunk> & c) {
    Napi::Object o = make(env, c);
    o.Set("tokens", Napi::Number::New(env, c->n_tokens));
    o.Set("fastBytes", Napi::Number::New(env, (double) c->fast_bytes()));
    o.Set("slowBytes", Napi::Number::New(env, (double) c->slow_bytes()));
    if (!c->file.empty()) {
        o.Set("file", Napi::String::New(env, c->file));
    }
    if (!c->problem.empty()) {
        o.Set("problem", Napi::String::New(env, c->problem));
    }
    return o;
}

Napi::Value chunk_object::is_intact(const Napi::CallbackInfo & info) {
    return Napi::Boolean::New(info.Env(), held() && held()->intact());
}

std::shared_ptr<const chunk_set> chunks_of(const Napi::Object & o) {
    const Napi::Value value = o.Get("repository");
    if (value.IsUndefined()) {
        return nullptr;
    }
    if (!value.IsObject() || !value.As<Napi::Object>().Get("chunks").IsArray()) {
        fail(ERROR_BAD_ARGUMENT, "a repository must be an object with a list of chunks");
    }
    const Napi::Object r = value.As<Napi::Object>();
    const Napi::Array chunks = r.Get("chunks").As<Napi::Array>();
    const Napi::Value priors = r.Get("priors");
    const bool is_list = priors.IsTypedArray() && priors.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
    if (!priors.IsUndefined() && (!is_list || priors.As<Napi::TypedArray>().ElementLength() != chunks.Length())) {
        fail(ERROR_BAD_ARGUMENT, "priors must be a Float32Array with a number for each chunk");
    }
    auto out = std::make_shared<chunk_set>();
    out->n_late = int_of(r, "lateTokens", 1, 1 << 24);
    out->bias = r.Get("bias").IsUndefined() ? 0.0f : (float) number_of(r, "bias", -1000, 1000);
    int64_t n_tokens = 0;
    for (uint32_t i = 0; i < chunks.Length(); i++) {
        retrieved_chunk c;
        c.chunk = chunk_object::of(chunks.Get(i));
        c.prior = priors.IsUndefined() ? 0.0f : priors.As<Napi::Float32Array>()[i];
        if (!std::isfinite(c.prior)) {
            fail(ERROR_BAD_ARGUMENT, "the prior of a chunk is no finite number");
        }
        n_tokens += c.chunk->n_tokens;
        out->chunks.push_back(std::move(c));
    }
    if (n_tokens > 1 << 24) {
        fail(ERROR_BAD_ARGUMENT, "chunks of %lld tokens are too many", (long long) n_tokens);
    }
    return out;
}
