#include "addon/objects.h"
#include "addon/values.h"

std::vector<Napi::ClassPropertyDescriptor<sequence_object>> sequence_object::methods() {
    return {
        InstanceMethod<&sequence_object::generate>("generate"),
        InstanceMethod<&sequence_object::measure>("measure"),
        InstanceMethod<&sequence_object::usage>("usage"),
        InstanceMethod<&sequence_object::clear>("clear"),
    };
}

static Napi::Value result_to_js(Napi::Env env, const generate_result & r, double queue_ms) {
    static const char * const reasons[] = { "length", "stop-token", "stopped", "context-full" };
    Napi::Object stats = Napi::Object::New(env);
    const auto set = [&](const char * key, double value) { stats.Set(key, Napi::Number::New(env, value)); };
    set("reusedTokens", r.n_reused);
    set("fedTokens", r.n_prefilled);
    set("decodedTokens", (double) r.tokens.size());
    set("queueMs", queue_ms);
    set("prefillMs", r.prefill_ms);
    set("firstTokenMs", r.first_token_ms);
    set("decodeMs", r.decode_ms);
    set("fasaSteps", r.n_fasa_steps);
    set("bytesReadPerToken", r.bytes_per_step);
    Napi::Object o = Napi::Object::New(env);
    o.Set("tokens", tokens_to_js(env, r.tokens));
    o.Set("reason", Napi::String::New(env, reasons[r.reason]));
    o.Set("stats", stats);
    if (r.attention) {
        const auto shares = [env](const std::vector<float> & list) { return floats_to_js(env, list); };
        o.Set("chunkAttention", list_to_js(env, r.attention->chunks, shares));
        o.Set("ownAttention", shares(r.attention->own));
    }
    return o;
}

Napi::Value sequence_object::generate(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const Napi::Object o = object_at(info, 0), events = object_at(info, 1);
        generate_params p;
        p.tokens = tokens_of(o.Get("tokens"), "tokens");
        p.stop_tokens = integers_of(o.Get("stopTokens"), "stopTokens");
        p.n_max = int_of(o, "maxTokens", 0, 1 << 24);
        const Napi::Value sampling = o.Get("sampling");
        if (!sampling.IsObject()) {
            fail(ERROR_BAD_ARGUMENT, "sampling must be an object");
        }
        p.sampling = sampling_of(sampling.As<Napi::Object>());
        p.attention = attention_of(o);
        p.chunks = chunks_of(o);
        p.count_attention = o.Get("countAttention").IsBoolean() && bool_of(o, "countAttention");
        const std::shared_ptr<sequence> held = alive();
        return js_task::start(info.Env(), held.get(), int_of(o, "priority", -1000, 1000), { events.Get("onProgress"), events.Get("onToken") },
            [held, p = std::move(p)](worker_task & w, js_task & t) -> js_task::make_result {
                generate_events e;
                e.progress = [&t](int32_t n_prefilled, int32_t n_total) { t.call(0, { (double) n_prefilled, (double) n_total }); };
                e.token = [&t](int32_t token) { t.call(1, { (double) token }); };
                generate_result r = held->generate(p, w.flags, e);
                return [r = std::move(r), queue_ms = w.queue_ms](Napi::Env env) { return result_to_js(env, r, queue_ms); };
            });
    });
}

static Napi::Value measurement_to_js(Napi::Env env, const measure_result & r) {
    Napi::Object o = Napi::Object::New(env);
    o.Set("tokens", Napi::Number::New(env, r.n_tokens));
    o.Set("fasaMs", numbers_to_js(env, r.fasa_ms));
    o.Set("denseMs", numbers_to_js(env, r.dense_ms));
    o.Set("kl", numbers_to_js(env, r.kl));
    o.Set("agreeing", Napi::Number::New(env, r.n_agreeing));
    return o;
}

Napi::Value sequence_object::measure(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const Napi::Object o = object_at(info, 0);
        measure_params p;
        p.n_steps = int_of(o, "steps", 2, 1024);
        p.budget = int_of(o, "budget", 1, 1 << 24);
        const std::shared_ptr<sequence> held = alive();
        return js_task::start(info.Env(), held.get(), int_of(o, "priority", -1000, 1000), {}, [held, p](worker_task & w, js_task &) -> js_task::make_result {
            measure_result r = held->measure(p, w.flags);
            return [r = std::move(r)](Napi::Env env) { return measurement_to_js(env, r); };
        });
    });
}

Napi::Value sequence_object::usage(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const sequence_usage u = alive()->usage();
        Napi::Object o = Napi::Object::New(info.Env());
        const auto set = [&](const char * key, double value) { o.Set(key, Napi::Number::New(info.Env(), value)); };
        set("tokens", u.n_tokens);
        set("contextTokens", u.n_ctx);
        set("fullBytes", (double) u.full_bytes);
        set("fastBytes", (double) u.fast_bytes);
        set("slowBytes", (double) u.slow_bytes);
        set("importanceBytes", (double) u.importance_bytes);
        return o;
    });
}

Napi::Value sequence_object::clear(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const std::shared_ptr<sequence> held = alive();
        js_task::start(info.Env(), held.get(), 0, {}, [held](worker_task &, js_task &) -> js_task::make_result {
            held->truncate(0);
            return [](Napi::Env env) { return env.Undefined(); };
        });
        return info.Env().Undefined();
    });
}
