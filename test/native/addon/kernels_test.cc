// The kernels of every instruction set over typed arrays, for test/native/kernels*.test.ts. Nothing here checks anything:
// the tests know the sizes.

#include "kernels/calibration.h"
#include "kernels/kernels.h"

#include <napi.h>

#include <algorithm>
#include <vector>

static const fasa_kernels * kernels_named(const Napi::CallbackInfo & info) {
    const std::string name = info[0].As<Napi::String>();
    int32_t n;
    const fasa_kernels * const * all = fasa_kernels_all(&n);
    for (int32_t i = 0; i < n; i++) {
        if (name == all[i]->name) {
            return all[i];
        }
    }
    Napi::Error::Fatal("kernels_named", "no such variant");
}

static float * floats(const Napi::CallbackInfo & info, size_t i) { return info[i].As<Napi::Float32Array>().Data(); }
static int32_t * ints(const Napi::CallbackInfo & info, size_t i) { return info[i].As<Napi::Int32Array>().Data(); }
static uint16_t * halves(const Napi::CallbackInfo & info, size_t i) { return info[i].As<Napi::Uint16Array>().Data(); }
static uint8_t * bytes(const Napi::CallbackInfo & info, size_t i) { return info[i].As<Napi::Uint8Array>().Data(); }
static int32_t integer(const Napi::CallbackInfo & info, size_t i) { return info[i].As<Napi::Number>().Int32Value(); }
static float number(const Napi::CallbackInfo & info, size_t i) { return info[i].As<Napi::Number>().FloatValue(); }

static Napi::Value names(const Napi::CallbackInfo & info) {
    int32_t n;
    const fasa_kernels * const * all = fasa_kernels_all(&n);
    Napi::Array list = Napi::Array::New(info.Env(), n);
    for (int32_t i = 0; i < n; i++) {
        list.Set(i, Napi::String::New(info.Env(), all[i]->name));
    }
    return list;
}

static Napi::Value best(const Napi::CallbackInfo & info) { return Napi::String::New(info.Env(), fasa_kernels_best()->name); }

static Napi::Value page_bytes(const Napi::CallbackInfo & info) {
    return Napi::Number::New(info.Env(), fasa_page_bytes(integer(info, 0)));
}

static Napi::Value top_k_scratch_bytes(const Napi::CallbackInfo & info) {
    return Napi::Number::New(info.Env(), fasa_top_k_scratch_bytes(integer(info, 0)));
}

// name, keys, rowStride, channels, nChannels, nExact, page
static void page_encode(const Napi::CallbackInfo & info) {
    kernels_named(info)->page_encode(halves(info, 1), integer(info, 2), ints(info, 3), integer(info, 4), integer(info, 5), bytes(info, 6));
}

// name, q, nQ, nChannels, page, prior, scores, scoreStride
static void tip_page(const Napi::CallbackInfo & info) {
    kernels_named(info)->tip_page(floats(info, 1), integer(info, 2), integer(info, 3), bytes(info, 4), info[5].As<Napi::Number>().FloatValue(), floats(info, 6), integer(info, 7));
}

// name, q, nQ, channels, nChannels, keys, rowStride, nRows, scores, scoreStride
static void tip_rows(const Napi::CallbackInfo & info) {
    kernels_named(info)->tip_rows(floats(info, 1), integer(info, 2), ints(info, 3), integer(info, 4), halves(info, 5), integer(info, 6),
        integer(info, 7), floats(info, 8), integer(info, 9));
}

// name, scores, scoreStride, nQ, n, importance
static void importance(const Napi::CallbackInfo & info) {
    kernels_named(info)->importance(floats(info, 1), integer(info, 2), integer(info, 3), integer(info, 4), floats(info, 5));
}

// name, values, begin, end, nChosen, chosen, scratch
static void top_k(const Napi::CallbackInfo & info) {
    kernels_named(info)->top_k(floats(info, 1), integer(info, 2), integer(info, 3), integer(info, 4), ints(info, 5), bytes(info, 6));
}

// name, q, nQ, d, kv, rowStride, chosen, nChosen, scale, logits, out
static void attend(const Napi::CallbackInfo & info, bool q8) {
    const fasa_kernels * kernels = kernels_named(info);
    const auto row_logits = q8 ? kernels->row_logits_q8 : kernels->row_logits;
    const auto value_sum = q8 ? kernels->value_sum_q8 : kernels->value_sum;
    const int32_t n_q = integer(info, 2), d = integer(info, 3), stride = integer(info, 5), n = integer(info, 7);
    std::vector<const uint16_t *> rows;
    for (int32_t i = 0; i < n; i++) {
        rows.push_back(halves(info, 4) + (size_t) ints(info, 6)[i] * stride);
    }
    float *logits = floats(info, 9), *out = floats(info, 10);
    row_logits(floats(info, 1), n_q, d, rows.data(), n, number(info, 8), logits, n);
    for (int32_t h = 0; h < n_q; h++) {
        kernels->softmax(logits + (size_t) h * n, n);
    }
    std::fill_n(out, (size_t) n_q * d, 0.0f);
    // in two parts, as rows of different kinds are: they add up
    const int32_t half = n / 2;
    value_sum(logits, n, n_q, d, rows.data(), half, out);
    value_sum(logits + half, n, n_q, d, rows.data() + half, n - half, out);
}

static void fac(const Napi::CallbackInfo & info) { attend(info, false); }
static void fac_q8(const Napi::CallbackInfo & info) { attend(info, true); }

// [nLayer, nKvHead, nGroup, d, neox], observations [{ layer, q, keys: [K of each KV head], rowStride, past }], nDominant
static Napi::Value calibrate(const Napi::CallbackInfo & info) {
    const int32_t * sizes = ints(info, 0);
    fasa_calibrator * calibrator = fasa_calibrator_new(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4] != 0);
    if (!calibrator) {
        return info.Env().Null();
    }
    const Napi::Array observations = info[1].As<Napi::Array>();
    for (uint32_t i = 0; i < observations.Length(); i++) {
        const Napi::Object one = observations.Get(i).As<Napi::Object>();
        const Napi::Array keys = one.Get("keys").As<Napi::Array>();
        std::vector<const uint16_t *> rows;
        for (uint32_t g = 0; g < keys.Length(); g++) {
            rows.push_back(keys.Get(g).As<Napi::Uint16Array>().Data());
        }
        fasa_calibrator_observe(calibrator, one.Get("layer").As<Napi::Number>(), one.Get("q").As<Napi::Float32Array>().Data(),
            rows.data(), one.Get("rowStride").As<Napi::Number>().Uint32Value(), one.Get("past").As<Napi::Number>());
    }
    const int32_t n_dominant = integer(info, 2);
    Napi::Int32Array out = Napi::Int32Array::New(info.Env(), (size_t) sizes[0] * sizes[1] * n_dominant);
    fasa_calibrator_choose(calibrator, n_dominant, out.Data());
    fasa_calibrator_free(calibrator);
    return out;
}

// fcs, d, neox, channels
static void channels_from_fcs(const Napi::CallbackInfo & info) {
    fasa_channels_from_fcs(ints(info, 0), (int32_t) info[0].As<Napi::Int32Array>().ElementLength(), integer(info, 1),
        info[2].As<Napi::Boolean>(), ints(info, 3));
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
    exports.Set("names", Napi::Function::New<names>(env));
    exports.Set("best", Napi::Function::New<best>(env));
    exports.Set("pageBytes", Napi::Function::New<page_bytes>(env));
    exports.Set("topKScratchBytes", Napi::Function::New<top_k_scratch_bytes>(env));
    exports.Set("pageEncode", Napi::Function::New<page_encode>(env));
    exports.Set("tipPage", Napi::Function::New<tip_page>(env));
    exports.Set("tipRows", Napi::Function::New<tip_rows>(env));
    exports.Set("importance", Napi::Function::New<importance>(env));
    exports.Set("topK", Napi::Function::New<top_k>(env));
    exports.Set("fac", Napi::Function::New<fac>(env));
    exports.Set("facQ8", Napi::Function::New<fac_q8>(env));
    exports.Set("calibrate", Napi::Function::New<calibrate>(env));
    exports.Set("channelsFromFcs", Napi::Function::New<channels_from_fcs>(env));
    return exports;
}

NODE_API_MODULE(kernels_test, init)
